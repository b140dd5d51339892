"""What somebody types into a SIP phone to make it a seat: as text, as a URI, as a QR code (B2).

There is no QR code that all softphones read an account from: Linphone and Zoiper read the address of a provisioning
server of theirs, others a format of their own. Ours holds the settings as text: any phone's camera shows it, and the
password is copied instead of typed. The URI (RFC 3261 §19.1.1) has no password in it, as the RFC asks.
"""

import io
from ipaddress import ip_address

import msgspec
import segno

from callcenter.accounts.passwords import SIP_REALM


class PhoneSetup(msgspec.Struct, frozen=True):
    """The settings of one seat's phone. ``qr_svg``: the text as a QR code, an SVG document."""

    user: str
    domain: str
    port: int
    transport: str
    realm: str
    password: str
    uri: str
    text: str
    qr_svg: str


def phone_setup(user: str, name: str, password: str, host: str, port: int, bind: str) -> PhoneSetup:
    """The settings for a phone that reaches us as ``host``; ``bind``: the address that SIP listens on."""
    server = f"[{host}]" if ":" in host else host
    lines = [
        f"显示名称 Display name: {name}",
        f"用户名 User / Auth ID: {user}",
        f"密码 Password: {password}",
        f"服务器 Domain / Registrar: {server}:{port}",
        "传输 Transport: UDP (TCP 亦可 / or TCP)",
        f"认证域 Realm: {SIP_REALM}",
        "编码 Codecs: PCMA, PCMU, G722",
        "注册间隔 Register every: 300 s",
    ]
    if ip_address(bind).is_loopback:
        lines.append(f"注意：目前只监听 {bind}，别的机器连不上 / listens on {bind} only: not reachable from elsewhere")
    text = "\n".join(lines)
    out = io.BytesIO()
    segno.make(text, micro=False, error="m").save(out, kind="svg", scale=4, border=4, xmldecl=False)
    return PhoneSetup(
        user=user,
        domain=host,
        port=port,
        transport="udp",
        realm=SIP_REALM,
        password=password,
        uri=f"sip:{user}@{server}:{port};transport=udp",
        text=text,
        qr_svg=out.getvalue().decode(),
    )
