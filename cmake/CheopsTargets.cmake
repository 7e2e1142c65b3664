# Third-party packages, each found once, and helpers that declare targets.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS system url)
if(NOT CHEOPS_CORE_ONLY)
  find_package(CAF 0.17.6 EXACT REQUIRED)
  find_package(OpenSSL REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(yaml-cpp REQUIRED)
  find_package(CLI11 REQUIRED)
  find_package(prometheus-cpp REQUIRED)
  find_package(RocksDB REQUIRED)
endif()
if(CHEOPS_BUILD_TESTS)
  find_package(Boost 1.81 REQUIRED COMPONENTS unit_test_framework)
  find_package(rapidcheck REQUIRED)
endif()

# cheops_programs_of(variable folder) lists the executables of a folder and of
# those below it.
function(cheops_programs_of variable folder)
  set(programs_found "")
  get_property(names DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(name ${names})
    get_target_property(type ${name} TYPE)
    if(type STREQUAL "EXECUTABLE")
      list(APPEND programs_found ${name})
    endif()
  endforeach()
  get_property(below DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(each ${below})
    cheops_programs_of(more ${each})
    list(APPEND programs_found ${more})
  endforeach()
  set(${variable} ${programs_found} PARENT_SCOPE)
endfunction()

# cheops_test(NAME name LABEL unit|property|sim|e2e SOURCES … LIBS … [TIMEOUT s])
# declares one Boost.Test binary and its ctest entry of the same name. A test
# that takes minutes has the label `long` too: LABEL e2e long. `make test`
# leaves those out, `make test-long` runs them.
function(cheops_test)
  cmake_parse_arguments(T "" "NAME;TIMEOUT" "LABEL;SOURCES;LIBS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(${T_NAME} ${T_SOURCES})
  target_compile_definitions(${T_NAME} PRIVATE BOOST_TEST_DYN_LINK
    CHEOPS_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    CHEOPS_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  target_include_directories(${T_NAME} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${T_NAME} PRIVATE cheops::flags ${T_LIBS}
                        Boost::unit_test_framework)
  add_test(NAME ${T_NAME} COMMAND ${T_NAME} --log_level=test_suite)
  set_tests_properties(${T_NAME} PROPERTIES LABELS "${T_LABEL}"
                       TIMEOUT ${T_TIMEOUT})
  if("e2e" IN_LIST T_LABEL)
    # Real processes: one such test at a time, beside those of other kinds.
    set_tests_properties(${T_NAME} PROPERTIES RESOURCE_LOCK processes)
  endif()
  add_dependencies(tests ${T_NAME})
endfunction()

# cheops_fuzz(NAME name SOURCES … LIBS …) declares one libFuzzer binary; its
# seed inputs lie in fuzz/corpus/NAME.
function(cheops_fuzz)
  cmake_parse_arguments(F "" "NAME" "SOURCES;LIBS" ${ARGN})
  add_executable(${F_NAME} ${F_SOURCES})
  target_compile_options(${F_NAME} PRIVATE -fsanitize=fuzzer)
  target_link_options(${F_NAME} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${F_NAME} PRIVATE cheops::flags ${F_LIBS})
  add_dependencies(fuzzers ${F_NAME})
endfunction()

# cheops_bench(NAME name SOURCES … LIBS …) declares one benchmark binary. What
# runs several processes is a script beside it: bench/NAME.sh.
function(cheops_bench)
  cmake_parse_arguments(B "" "NAME" "SOURCES;LIBS" ${ARGN})
  add_executable(${B_NAME} ${B_SOURCES})
  target_link_libraries(${B_NAME} PRIVATE cheops::flags ${B_LIBS})
  add_dependencies(benches ${B_NAME})
endfunction()
