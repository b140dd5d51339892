"""Who holds a port, looked up without being in anybody's way."""

import socket

from callcenter.ports import free_ports, is_bound


def test_given_a_udp_socket_when_looked_up_then_its_port_is_bound_until_it_is_closed() -> None:
    (port,) = free_ports(1)
    assert not is_bound(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", port))
        assert is_bound(port)
    assert not is_bound(port)
