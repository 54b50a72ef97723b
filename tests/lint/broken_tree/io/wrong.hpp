#include <mpi.h>

#include <boost/archive/binary_iarchive.hpp>
