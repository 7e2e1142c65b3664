# cheops_embed(TARGET target NAMESPACE ns FILES symbol=path …) turns text files
# into `extern const std::string_view` of that namespace, so that a program
# carries them inside.
function(cheops_embed)
  cmake_parse_arguments(E "" "TARGET;NAMESPACE" "FILES" ${ARGN})
  set(text "// Made by the build.\n#include <string_view>\n\n")
  string(APPEND text "namespace ${E_NAMESPACE} {\n\n")
  foreach(pair ${E_FILES})
    string(REGEX MATCH "^([^=]+)=(.*)$" matched "${pair}")
    set(symbol ${CMAKE_MATCH_1})
    cmake_path(ABSOLUTE_PATH CMAKE_MATCH_2 OUTPUT_VARIABLE path)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    file(READ ${path} content)
    string(APPEND text "extern const std::string_view ${symbol};\n"
                       "const std::string_view ${symbol}"
                       " = R\"__text__(${content})__text__\";\n\n")
  endforeach()
  string(APPEND text "} // namespace ${E_NAMESPACE}\n")
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${E_TARGET}_embedded.cpp)
  # Neither file(GENERATE) nor file(CONFIGURE): both would read marks in it.
  set(before "")
  if(EXISTS ${source})
    file(READ ${source} before)
  endif()
  if(NOT before STREQUAL text)
    file(WRITE ${source} "${text}")
  endif()
  target_sources(${E_TARGET} PRIVATE ${source})
endfunction()
