"""Where ps-lite, and what descends from it, finds the others of a job on this machine."""
import os
import socket


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(workers):
    """Of a job with one server, but for DMLC_ROLE."""
    return dict(os.environ, DMLC_NUM_WORKER=str(workers), DMLC_NUM_SERVER="1", DMLC_INTERFACE="lo",
                DMLC_NODE_HOST="127.0.0.1", DMLC_PS_ROOT_URI="127.0.0.1",
                DMLC_PS_ROOT_PORT=str(free_port()))
