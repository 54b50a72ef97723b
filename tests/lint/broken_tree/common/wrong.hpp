#include "model/grid.hpp"
