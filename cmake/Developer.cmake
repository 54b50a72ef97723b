# factorps_developer: flags for our own code only; never exported, never seen by a user of the libraries.
option(FACTORPS_WERROR "Treat warnings as errors" OFF)
set(FACTORPS_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

add_library(factorps_developer INTERFACE)
target_compile_features(factorps_developer INTERFACE cxx_std_20)
target_compile_options(factorps_developer INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual
  # The same bits on every machine: a compiler may not fuse a multiply and an add on its own.
  -ffp-contract=off
  $<$<BOOL:${FACTORPS_WERROR}>:-Werror>)
if(FACTORPS_SANITIZE)
  target_compile_options(factorps_developer INTERFACE
    -fsanitize=${FACTORPS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(factorps_developer INTERFACE -fsanitize=${FACTORPS_SANITIZE})
endif()

# Seconds that a test may take. Sanitizers cost a factor.
set(FACTORPS_UNIT_TIMEOUT 60)
set(FACTORPS_E2E_TIMEOUT 120)
if(FACTORPS_SANITIZE)
  set(FACTORPS_UNIT_TIMEOUT 300)
  set(FACTORPS_E2E_TIMEOUT 600)
endif()

# A program that starts MPI: leaks inside Open MPI can be told from ours.
function(factorps_starts_mpi target)
  if(FACTORPS_SANITIZE MATCHES "address")
    target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests/support/keep_plugins.cpp")
    set_target_properties(${target} PROPERTIES ENABLE_EXPORTS ON)
  endif()
endfunction()
