"""Every setting, from CALLCENTER_* variables or `.env`: one frozen object, checked before anything starts.

A number in **bold** in a standard is a default here and can be changed; its clause is named beside it.
"""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from callcenter.errors import InvalidInput

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Hours = Annotated[float, Field(gt=0, le=8784)]
MessageChannel = Literal["gateway", "twilio", "twilio-voice", "voice"]
PhoneNumber = Annotated[str, Field(pattern=r"^\+?[0-9]{2,15}$")]
_LISTS = (
    "duty_numbers", "next_center_numbers", "alert_numbers", "message_channels", "ice_servers", "trusted_proxies",
)  # fmt: skip
IceServer = Annotated[str, Field(pattern=r"^(stun|turns?):[A-Za-z0-9.\[\]:-]+(\?transport=(udp|tcp))?$")]


class Settings(BaseSettings):
    """The product's settings; the README has them as a table."""

    model_config = SettingsConfigDict(
        env_prefix="CALLCENTER_", env_file=".env", env_file_encoding="utf-8", frozen=True, extra="ignore"
    )

    data: Path = Field(default=Path("var"), description="Everything that is written goes below this folder.")
    node: str = Field(default="node1", pattern=r"^[a-z0-9-]{1,32}$", description="Name of this controller.")
    center_name: str = Field(default="养老服务应急中心", max_length=40)

    bind: str = Field(default="127.0.0.1", description="Address of SIP and audio, and of the web unless web_bind.")
    web_bind: str = Field(
        default="", description="Address of http_port and ws_port where it is another, e.g. 127.0.0.1 behind a proxy."
    )
    control_bind: str = Field(
        default="127.0.0.1", description="Address of AMI and FastAGI, by which calls are controlled: this machine's."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Addresses or networks of our proxies: their X-Forwarded-For is believed (I3)."
    )
    http_port: Port = 8000
    sip_port: Port = 5060
    ami_port: Port = 5038
    agi_port: Port = 4573
    ws_port: Port = Field(default=8088, description="SIP over WebSocket.")
    ws_url: str = Field(
        default="",
        pattern=r"^(wss?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?$",
        description="Where browsers reach SIP over WebSocket: behind a TLS proxy wss://…; empty: ws_port directly.",
    )
    ice_servers: Annotated[tuple[IceServer, ...], NoDecode] = Field(
        default=(), description="STUN and TURN servers for browsers outside, e.g. turn:host:3478, comma separated."
    )
    turn_secret: str = Field(
        default="", repr=False, description="The TURN servers' shared secret (coturn's static-auth-secret)."
    )
    media_address: str = Field(
        default="", description="Address by which browsers outside reach our audio, when it is none of this machine's."
    )
    rtp_start: Port = 10000
    rtp_end: Port = 19999

    trunk_match: str = Field(
        default="127.0.0.1", description="Address or network the trunk calls from; several with commas."
    )
    trunk_uri: str = Field(default="sip:127.0.0.1:5070", pattern=r"^sips?:[^\s;,<>\"]+$")
    trunk_caller: PhoneNumber = Field(default="95120", description="Caller number shown on outgoing calls.")
    hotline_number: str = Field(default="12349", pattern=r"^\d{3,15}$")
    emergency_number: str = Field(default="95120", pattern=r"^\d{3,15}$")
    ambulance_number: str = Field(default="120", pattern=r"^\d{2,15}$")
    duty_numbers: Annotated[tuple[PhoneNumber, ...], NoDecode] = Field(
        default=(), description="On-call mobiles, comma separated; rung after the seats (A9)."
    )
    next_center_numbers: Annotated[tuple[PhoneNumber, ...], NoDecode] = Field(
        default=(), description="Other centres, comma separated; rung with the on-call mobiles (A9)."
    )
    trunk2_uri: str = Field(
        default="",
        pattern=r"^(sips?:[^\s;,<>\"]+)?$",
        description="A second route out, for when the first fails (R10).",
    )
    ambulance_sms_number: str = Field(
        default="", pattern=r"^(\+?[0-9]{2,15})?$", description="Where 120 takes texts; empty: nowhere (R10)."
    )
    map_url: str = Field(
        default="https://uri.amap.com/marker?position={longitude},{latitude}&coordinate=wgs84",
        description="A map, of {latitude} and {longitude} in WGS-84 (A4).",
    )
    map_tiles: str = Field(
        default="",
        pattern=r"^(https?://[A-Za-z0-9.{}:-]+/[^\s\"';,<>]*)?$",
        description="Tiles of the console's map, of {z}, {x} and {y}; empty: no map, only the link above.",
    )
    seat_rewrite_contact: bool = Field(
        default=False, description="Answer seats at the address their packets come from: for seats behind NAT."
    )

    alert_numbers: Annotated[tuple[PhoneNumber, ...], NoDecode] = Field(
        default=(), description="Mobiles that get a message when the watchdog finds something critical."
    )
    synthetic_minutes: Annotated[float, Field(ge=0, le=1440)] = Field(
        default=15, description="A press of our own through the whole chain every so many minutes; 0: never."
    )
    silence_hours: Annotated[float, Field(ge=0, le=8784)] = Field(
        default=0, description="No call from the trunk for so long is an alarm; 0: never."
    )
    disk_low_mb: Annotated[int, Field(ge=1)] = Field(default=2048, description="Less free than this is a warning.")
    disk_full_mb: Annotated[int, Field(ge=1)] = Field(default=200, description="Less free than this is critical.")
    deadman_url: str = Field(default="", description="Pinged while all is well; its silence is the alarm.")
    deadman_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 60

    message_channels: Annotated[tuple[MessageChannel, ...], NoDecode] = Field(
        default=(),
        description="Ways to tell people outside, in order, comma separated: gateway, twilio, twilio-voice, voice.",
    )
    message_gateway: str = Field(default="", description="JSON file that describes the SMS provider of `gateway`.")
    delivery_seconds: Seconds = Field(default=60, description="An alert that is not reported delivered goes on after.")
    public_url: str = Field(
        default="",
        pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)?$",
        description="Where providers reach this API from outside, for delivery reports.",
    )
    twilio_account_sid: str = Field(default="", pattern=r"^(AC[0-9a-fA-F]{32})?$")
    twilio_auth_token: str = Field(default="", repr=False)
    twilio_from: str = Field(
        default="", pattern=r"^(\+[1-9][0-9]{6,14})?$", description="Twilio number shown to people."
    )
    twilio_api_url: str = Field(default="https://api.twilio.com", pattern=r"^https?://[^\s?#]+$")

    demo: bool = Field(default=True, description="Load the demo seats and elders at the first run.")

    database_url: str = Field(default="", description="SQLAlchemy async URL; empty: SQLite in the data folder.")
    redis_url: str = Field(default="", description="Redis for the bus; empty: in-process.")

    alarm_voice_seconds: Seconds = Field(
        default=60, description="R19: a terminal's own call is waited for so long before the elder is called back."
    )
    position_days: Annotated[float, Field(gt=0, le=366)] = Field(
        default=7, description="How long the places of terminals are kept (GB/T 35273: no longer than needed)."
    )
    human_answer_seconds: Seconds = Field(default=5, description="A1, GS 4.3.11.2: a human answers within.")
    follow_up_hours: Hours = Field(default=24, description="C7, SZ 6.2.5: follow-up after the service's end.")
    callback_offer_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=40, description="Waiting so long, callers are offered a call-back (0: never; key 1 works)."
    )
    callback_quiet_hours: Annotated[str, Field(pattern=r"^((([01]\d|2[0-3]):[0-5]\d)-(([01]\d|2[0-3]):[0-5]\d))?$")] = (
        Field(default="21:00-08:00", description="Nobody is called back then, but who asked within 30 min; Shanghai.")
    )
    ring_seconds: Annotated[int, Field(ge=5, le=600)] = Field(default=30, description="How long a leg rings.")
    proof_of_life_seconds: Annotated[float, Field(ge=1, le=60)] = Field(
        default=8, description="R12: a phone that answered by itself must show life within."
    )
    silence_ask_seconds: Seconds = Field(
        default=10, description="R17: an elder who says nothing for so long is asked whether she hears; 0: never."
    )
    silence_louder_seconds: Seconds = Field(default=20, description="R17: after so long she is amplified; 0: never.")
    silence_call_back_seconds: Seconds = Field(default=40, description="R17: call her other phone; 0: never.")
    silence_send_seconds: Seconds = Field(default=60, description="R17: send somebody; 0: never.")
    line_stalled_seconds: Seconds = Field(
        default=8, description="R16: nothing at all from an elder's line for so long is told; 0: never."
    )
    line_dropped_seconds: Seconds = Field(
        default=0,
        description="R16: after so long it counts as dropped, is hung up, and she is called back; 0: never, because a "
        "terminal that sends nothing while she is silent would be cut off.",
    )
    park_seconds: Seconds = Field(default=120, description="A parked caller goes back to who parked her after.")
    monitor_shown: bool = Field(default=True, description="Operators see when a supervisor listens or whispers.")
    wrap_up_seconds: Seconds = Field(default=5, description="Wrap-up after a hotline call.")
    rna_pause_seconds: Seconds = Field(
        default=120, description="A seat that lets the hotline ring out is paused so long; 0: not at all."
    )
    token_minutes: Annotated[float, Field(gt=0, le=1440)] = 15
    refresh_hours: Hours = 12
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        for name in _LISTS:
            given = values.get(name)
            if isinstance(given, str):
                values = {**values, name: tuple(part.strip() for part in given.split(",") if part.strip())}
        return values

    @field_validator("bind", "control_bind")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            return str(ip_address(value))
        except ValueError as error:
            raise ValueError("must be an IP address of this machine") from error

    @field_validator("media_address", "web_bind")
    @classmethod
    def _address_or_none(cls, value: str) -> str:
        try:
            return str(ip_address(value)) if value else ""
        except ValueError as error:
            raise ValueError("must be an IP address, or empty") from error

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(value, strict=False)) for value in values)
        except ValueError as error:
            raise ValueError("must be addresses or networks of proxies, with commas between them") from error

    @field_validator("map_url")
    @classmethod
    def _map(cls, value: str) -> str:
        try:
            link = value.format(latitude="31.300000", longitude="120.600000")
        except (LookupError, ValueError, AttributeError) as error:
            raise ValueError("must hold {latitude} and {longitude}, and no other braces") from error
        if not link.startswith(("https://", "http://")) or not ("31.300000" in link and "120.600000" in link):
            raise ValueError("must begin with https:// or http:// and hold {latitude} and {longitude}")
        return value

    @field_validator("trunk_match")
    @classmethod
    def _networks(cls, value: str) -> str:
        try:
            networks = [ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip()]
        except ValueError as error:
            raise ValueError("must be addresses or networks such as 10.0.0.0/24, with commas between them") from error
        if not networks:
            raise ValueError("must name the address that the trunk calls from")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str) -> str:
        if value and not value.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://")
        return value

    @field_validator("deadman_url")
    @classmethod
    def _deadman_url(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_url(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.rtp_end - self.rtp_start < 9:
            raise ValueError("rtp_end must be at least 9 above rtp_start (each call takes two ports)")
        ports = [self.http_port, self.sip_port, self.ami_port, self.agi_port, self.ws_port]
        if len(set(ports)) != len(ports):
            raise ValueError("http_port, sip_port, ami_port, agi_port and ws_port must differ from each other")
        if self.rtp_start <= self.sip_port <= self.rtp_end:
            raise ValueError("sip_port must lie outside rtp_start to rtp_end: a call's audio would want it")
        if len(set(self.message_channels)) != len(self.message_channels):
            raise ValueError("message_channels must name each channel once")
        if "gateway" in self.message_channels and not self.message_gateway:
            raise ValueError("the message channel gateway needs message_gateway, its JSON file")
        if {"twilio", "twilio-voice"} & set(self.message_channels) and not (
            self.twilio_account_sid and self.twilio_auth_token and self.twilio_from
        ):
            raise ValueError("Twilio's channels need twilio_account_sid, twilio_auth_token and twilio_from")
        if any(server.startswith("turn") for server in self.ice_servers) and not self.turn_secret:
            raise ValueError("a TURN server among ice_servers needs turn_secret, the secret it shares with us")
        if self.hotline_number == self.emergency_number:
            raise ValueError("hotline_number and emergency_number must differ")
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data / 'callcenter.db').resolve()}"

    @property
    def web_address(self) -> str:
        """The address in force of http_port and ws_port."""
        return self.web_bind or self.bind

    def phone_socket(self, host: str) -> str:
        """The WebSocket of the phones in browsers, for a page that was reached under ``host`` (no port)."""
        own = self.web_address if not ip_address(self.web_address).is_unspecified else host
        where = f"[{own}]" if ":" in own and not own.startswith("[") else own
        return self.ws_url or f"ws://{where}:{self.ws_port}/ws"

    @property
    def recordings_dir(self) -> Path:
        """Where audio lies, as YYYY/MM/DD/<call-id>….wav."""
        return (self.data / "recordings").resolve()

    @property
    def journal_dir(self) -> Path:
        """Where this controller's journal lies."""
        return (self.data / "journal").resolve()

    @property
    def spool_dir(self) -> Path:
        """Where the fallback dialplan leaves the calls it took, for the controller to take in."""
        return (self.data / "spool").resolve()


_SHAPES = {
    "node": "must be 1 to 32 of a-z, 0-9 and -",
    "ws_url": "must be like wss://center.example/ws, or empty",
    "ice_servers": "must be like stun:center.example:3478 or turn:center.example:3478, with commas between",
    "trunk_uri": "must be like sip:10.0.0.1:5060",
    "trunk2_uri": "must be like sip:10.0.0.1:5060, or empty",
    "map_tiles": "must be like https://tiles.example/{z}/{x}/{y}.png, or empty",
    "public_url": "must be like https://center.example, or empty",
    "twilio_account_sid": "must be AC and 32 hexadecimal digits, as Twilio shows it",
    "twilio_from": "must be like +8651212345678",
    "twilio_api_url": "must be like https://api.twilio.com",
    "callback_quiet_hours": "must be like 21:00-08:00, or empty",
    "log_level": "must be debug, info, warning or error",
} | dict.fromkeys(("hotline_number", "emergency_number"), "must be 3 to 15 digits")
"""What a setting that does not fit its pattern must be; of the others: digits of a phone number."""
_NUMBER = "must be digits of a phone number, perhaps with + before them; several with commas where several may be"


def _sentence(field: str, kind: str, message: str) -> str:
    """What is wrong with a setting, for somebody who reads no patterns."""
    if kind == "string_pattern_mismatch":
        return _SHAPES.get(field, _NUMBER)
    return message.removeprefix("Value error, ")


def load_settings(**overrides: object) -> Settings:
    """Read the settings; raises `InvalidInput` that names every offending variable and what it must be."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = []
        for item in error.errors():
            field = str(item["loc"][0]) if item["loc"] else ""  # of a list: which of them is shown by what is given
            name = f"CALLCENTER_{field.upper()}" if field else "CALLCENTER_* settings"
            # A URL may hold a password, and this sentence goes into a log.
            given = f" (got {item['input']!r})" if field and not field.endswith("_url") else ""
            problems.append(f"{name}: {_sentence(field, item['type'], item['msg'])}{given}")
        raise InvalidInput("invalid settings: " + "; ".join(problems)) from error
