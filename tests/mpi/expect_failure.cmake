# cmake -D EXPECTED=REGEX -P expect_failure.cmake COMMAND...
# Runs a command that must end with exit code 1 and must say what EXPECTED matches. Neither WILL_FAIL nor
# PASS_REGULAR_EXPRESSION looks at both, and the first is content with a program that does not start.
set(index 1)
while(NOT CMAKE_ARGV${index} STREQUAL "-P")
  math(EXPR index "${index} + 1")
endwhile()
math(EXPR index "${index} + 2")
while(index LESS CMAKE_ARGC)
  list(APPEND command "${CMAKE_ARGV${index}}")
  math(EXPR index "${index} + 1")
endwhile()

execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result STREQUAL "1")
  message(FATAL_ERROR "the command ended with \"${result}\", expected exit code 1:\n${output}")
endif()
if(NOT output MATCHES "${EXPECTED}")
  message(FATAL_ERROR "the output does not match \"${EXPECTED}\":\n${output}")
endif()
