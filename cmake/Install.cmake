# Installation, the CMake package and the Debian package.
