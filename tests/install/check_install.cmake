cmake_minimum_required(VERSION 3.25)
# Installs into a fresh prefix, runs the installed executable, and builds and runs a project that
# uses the installed libraries. Arguments: BUILD, SOURCE, WORK (a directory of its own), COMPILER.
file(REMOVE_RECURSE "${WORK}")

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY OUTPUT_VARIABLE output)
  set(output "${output}" PARENT_SCOPE)
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/prefix")
run("${WORK}/prefix/bin/factorps" --version)
run("${CMAKE_COMMAND}" -G Ninja -S "${SOURCE}/tests/install/consumer" -B "${WORK}/consumer"
  "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCMAKE_CXX_COMPILER=${COMPILER}")
run("${CMAKE_COMMAND}" --build "${WORK}/consumer")
run("${WORK}/consumer/consumer" "${WORK}/prefix/share/factorps/configs/worked-example.toml")
if(NOT output STREQUAL "dim 2\n")
  message(FATAL_ERROR "the consumer printed '${output}', expected 'dim 2'")
endif()
