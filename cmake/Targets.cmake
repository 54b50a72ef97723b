include(GoogleTest)

# factorps_library(<folder> HEADERS ... [SOURCES ...] [DEPENDS ...] [PRIVATE_DEPENDS ...])
# The one library of a folder. DEPENDS is the layer diagram: a folder may include what it names here.
function(factorps_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;SOURCES;DEPENDS;PRIVATE_DEPENDS")
  add_library(factorps_${name} STATIC ${arg_SOURCES})
  add_library(factorps::${name} ALIAS factorps_${name})
  set_target_properties(factorps_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(factorps_${name} PUBLIC cxx_std_20)
  target_include_directories(factorps_${name} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/factorps>")
  target_link_libraries(factorps_${name}
    PUBLIC ${arg_DEPENDS}
    PRIVATE ${arg_PRIVATE_DEPENDS} $<BUILD_INTERFACE:factorps_developer>)
  target_sources(factorps_${name} PUBLIC
    FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${arg_HEADERS})
endfunction()

# Launchers that end remove a directory that they share with those that start: one at a time.
function(factorps_launched test)
  set_tests_properties(${test} PROPERTIES LABELS mpi TIMEOUT 120 PROCESSORS 2
    RESOURCE_LOCK launcher ENVIRONMENT "OMPI_MCA_orte_tmpdir_base=${CMAKE_CURRENT_BINARY_DIR}")
endfunction()

# factorps_test(<name> SOURCES ... [DEPENDS ...] [ENVIRONMENT NAME=VALUE] [RANKS 1 2 4])
# Without RANKS: one process. With RANKS: one CTest entry per rank count, under the MPI launcher.
function(factorps_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "ENVIRONMENT" "SOURCES;DEPENDS;RANKS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gtest factorps_test_support factorps_developer)
  if(NOT arg_RANKS)
    target_link_libraries(${name} PRIVATE GTest::gtest_main)
    if(arg_ENVIRONMENT)
      set(environment ENVIRONMENT ${arg_ENVIRONMENT})
    endif()
    gtest_discover_tests(${name}
      PROPERTIES LABELS unit TIMEOUT ${FACTORPS_UNIT_TIMEOUT} ${environment} DISCOVERY_TIMEOUT 60)
    return()
  endif()
  target_link_libraries(${name} PRIVATE factorps_mpi_test_main)
  factorps_starts_mpi(${name})
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME ${name}.${ranks}ranks COMMAND "${PROJECT_SOURCE_DIR}/scripts/mpirun" -n ${ranks} $<TARGET_FILE:${name}>)
    factorps_launched(${name}.${ranks}ranks)
  endforeach()
endfunction()
