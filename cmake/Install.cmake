# Installation, the CMake package and the Debian package.
include(CMakePackageConfigHelpers)

set(libraries)
foreach(folder IN ITEMS common model io comm ps eval worker scheduler)
  if(TARGET factorps_${folder})
    list(APPEND libraries factorps_${folder})
  endif()
endforeach()
install(TARGETS ${libraries} EXPORT factorps
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/factorps")
install(TARGETS factorps)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/factorps")
install(EXPORT factorps FILE factorpsTargets.cmake NAMESPACE factorps:: DESTINATION "${package_dir}")
configure_package_config_file(cmake/factorpsConfig.cmake.in factorpsConfig.cmake
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(factorpsConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/factorpsConfig.cmake"
  "${PROJECT_BINARY_DIR}/factorpsConfigVersion.cmake"
  DESTINATION "${package_dir}")

install(DIRECTORY configs slurm DESTINATION "${CMAKE_INSTALL_DATADIR}/factorps")
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(FILES LICENSE RENAME copyright DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The factorps authors <factorps@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
# Shared libraries are found by dpkg-shlibdeps; the launcher is not one of them.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openmpi-bin")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "librsvg2-bin")
# What find_package(factorps) needs beyond the package itself.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
  "libboost-serialization-dev, libcli11-dev, libeigen3-dev, libfmt-dev, libhdf5-dev, libhwy-dev, libopenmpi-dev, libspdlog-dev, libssl-dev, libtomlplusplus-dev, libxxhash-dev, libzstd-dev, nlohmann-json3-dev, zlib1g-dev")
include(CPack)
