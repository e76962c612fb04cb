"""TLS for both protocols: 1.2 or later, servers verified by name, our certificate where there is one."""

from __future__ import annotations

import ssl

from ..errors import SettingsError
from ..servers import Receiver, WebServer


def client_context(server: WebServer) -> ssl.SSLContext:
    """For connections to the server.

    Raises
    ------
    SettingsError
        If a file of certificates or the key cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=server.ca_file or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if server.certificate_file:
            context.load_cert_chain(server.certificate_file, server.key_file or None, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"The certificates of {server.name} cannot be read ({error}).") from error
    return context


def receiver_context(receiver: Receiver) -> ssl.SSLContext | None:
    """For connections to the store receiver; None where it has no certificate.

    Raises
    ------
    SettingsError
        If a file of certificates or the key cannot be read.
    """
    if not receiver.certificate_file:
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(receiver.certificate_file, receiver.key_file or None, password=_no_password)
        if receiver.ca_file:
            context.load_verify_locations(receiver.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"The certificates of the store receiver cannot be read ({error}).") from error
    return context


def _no_password() -> str:
    """An encrypted key is refused: OpenSSL would ask for its password on a terminal that may not be there."""
    return ""
