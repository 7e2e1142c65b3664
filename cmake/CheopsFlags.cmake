# Compiler and linker settings of every target of ours: cheops::flags.

# Assertions stay on in what we ship: a broken invariant stops the node.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Clones at different paths share the cache; precompiled headers need the
  # sloppiness that ccache's manual names.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
endif()

add_library(cheops_flags INTERFACE)
add_library(cheops::flags ALIAS cheops_flags)
target_compile_features(cheops_flags INTERFACE cxx_std_20)
target_compile_options(cheops_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                              -Wnon-virtual-dtor)
if(CHEOPS_WERROR)
  target_compile_options(cheops_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # ccache can cache a precompiled header only with this; and g++ 12 warns
  # falsely about strings and optionals at -O2.
  target_compile_options(cheops_flags INTERFACE -fpch-preprocess
    -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overread)
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

if(CHEOPS_SANITIZE)
  add_compile_options(-fsanitize=${CHEOPS_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHEOPS_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang 14 cannot compile coroutines with this one (llvm issue 49689).
    add_compile_options(-fno-sanitize=function)
  endif()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
if(CHEOPS_BUILD_FUZZ)
  # libFuzzer is guided by the branches of what it tests, so the libraries
  # are instrumented too.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
