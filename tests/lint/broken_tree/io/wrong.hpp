#include <boost/archive/binary_iarchive.hpp>
#include <mpi.h>
