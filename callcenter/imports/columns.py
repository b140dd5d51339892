"""The columns of each kind of import: names in Chinese and English, what they hold, which must be there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from callcenter.accounts.permissions import Role
from callcenter.devices.model import DeviceKind
from callcenter.imports import values as v
from callcenter.people.model import ContactRole, Sex
from callcenter.people.staff import StaffKind


class Kind(StrEnum):
    """What a file holds."""

    ELDERS = "elders"
    CONTACTS = "contacts"
    DEVICES = "devices"
    ACCOUNTS = "accounts"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``names``: the first two are the Chinese and the English name of the template."""

    key: str
    names: tuple[str, ...]
    parse: Callable[[str], v.Value]
    hint: str
    required: bool = False

    @property
    def title(self) -> str:
        """Its name in the template."""
        return self.names[0]


CONTACT_ROLES = {
    "家属": ContactRole.FAMILY, "亲属": ContactRole.FAMILY, "子女": ContactRole.FAMILY, "家人": ContactRole.FAMILY,
    "医生": ContactRole.DOCTOR, "家庭医生": ContactRole.DOCTOR, "社区医生": ContactRole.DOCTOR,
    "社工": ContactRole.SOCIAL_WORKER, "社区": ContactRole.COMMUNITY, "居委会": ContactRole.COMMUNITY,
    "监护人": ContactRole.GUARDIAN, "组长": ContactRole.GROUP_LEADER, "村干部": ContactRole.VILLAGE_CADRE,
}  # fmt: skip
DEVICE_KINDS = {
    "呼叫器": DeviceKind.PENDANT, "紧急呼叫器": DeviceKind.PENDANT, "吊坠": DeviceKind.PENDANT,
    "固定终端": DeviceKind.TERMINAL, "终端": DeviceKind.TERMINAL, "移动终端": DeviceKind.MOBILE_TERMINAL,
    "手环": DeviceKind.MOBILE_TERMINAL, "烟感": DeviceKind.SMOKE_DETECTOR, "跌倒检测": DeviceKind.FALL_DETECTOR,
    "健康监测": DeviceKind.HEALTH_MONITOR, "门磁": DeviceKind.DOOR_SENSOR,
    "呼叫挂件": DeviceKind.PENDANT, "呼叫终端": DeviceKind.TERMINAL, "跌倒探测": DeviceKind.FALL_DETECTOR,
}  # fmt: skip
ACCOUNT_ROLES = {
    "话务员": Role.OPERATOR, "班长": Role.SUPERVISOR, "质检员": Role.QA, "站长": Role.STATION, "管理员": Role.ADMIN,
}  # fmt: skip
STAFF_KINDS = {
    "服务员": StaffKind.WORKER, "护理员": StaffKind.WORKER, "家政员": StaffKind.WORKER,
    "管理人员": StaffKind.MANAGER, "管理员": StaffKind.MANAGER, "站长": StaffKind.MANAGER,
}  # fmt: skip
_SEXES = {"女": Sex.FEMALE, "男": Sex.MALE, "f": Sex.FEMALE, "m": Sex.MALE}


def _words(names: Mapping[str, StrEnum]) -> Callable[[str], str]:
    both = {
        **{zh: value.value for zh, value in names.items()},
        **{value.value: value.value for value in names.values()},
    }
    english = dict.fromkeys(value.value for value in names.values())
    return v.one_of(both, "、".join(names), ", ".join(english))


_code = v.fitting(
    r"[0-9A-Za-z._-]{1,40}",
    "编号只能有字母、数字和 . _ -，最多 40 位；请去掉其他字符",
    "only letters, digits and . _ -, at most 40; take the rest out",
)
_group = v.fitting(
    r"[0-9A-Za-z\u4e00-\u9fff]{1,20}",
    "每个人群最多 20 字，只能有汉字、字母、数字；几个之间请用；分隔",
    "each up to 20 letters and digits; write ; between them",
)
_serial = v.fitting(
    r"[0-9A-Za-z._:-]{1,60}",
    "序列号只能有字母、数字和 . _ : -，最多 60 位；请去掉其他字符",
    "only letters, digits and . _ : -, at most 60; take the rest out",
)
_user = v.fitting(
    r"[a-z][a-z0-9_-]{1,31}",
    "用户名以小写字母开头，2 到 32 位小写字母、数字、_ 或 -；请改写，如 op6",
    "2 to 32 lower-case letters, digits, _ or -, a letter first; write e.g. op6",
)
_CODE_HINT = "已有的编号会更新该老人；不填则按身份证号查找，再没有就新建"
_elder = Column("elder", ("老人编号", "elder code", "elder", "编号", "code"), _code, "档案中的编号", required=True)

COLUMNS: Mapping[Kind, tuple[Column, ...]] = MappingProxyType(
    {
        Kind.ELDERS: (
            Column("code", ("编号", "code", "老人编号", "elder code"), _code, _CODE_HINT),
            Column("name", ("姓名", "name", "老人姓名"), v.line(60), "新建时必填", required=True),
            Column("phones", ("电话", "phones", "phone", "手机", "联系电话"), v.several(v.phone, 10), "多个用；分隔"),
            Column("id_number", ("身份证号", "id number", "身份证", "证件号码"), v.id_number, "18 位，该列请设为文本"),
            Column("sex", ("性别", "sex", "gender"), _words(_SEXES), "男、女；身份证号里有"),
            Column("birth_date", ("出生日期", "birth date", "生日"), v.day, "1941-03-12；可由身份证号得出"),
            Column("area", ("区域", "area", "所属区域", "片区"), v.line(60), "如 姑苏区"),
            Column("address", ("地址", "address", "住址"), v.line(200), "含楼栋门牌"),
            Column("door_code", ("门锁密码", "door code", "门禁密码"), v.line(40), "没有可不填"),
            Column("key_holder_name", ("持钥匙人", "key holder", "钥匙保管人"), v.line(60), ""),
            Column("key_holder_phone", ("持钥匙人电话", "key holder phone", "保管人电话"), v.phone, ""),
            Column("latitude", ("纬度", "latitude"), v.number(-90, 90), "WGS-84"),
            Column("longitude", ("经度", "longitude"), v.number(-180, 180), "WGS-84"),
            Column("medical_notes", ("病史", "medical notes", "健康状况", "健康与急救须知"), v.prose, "急救时念给 120"),
            Column("groups", ("人群", "groups", "人群类别", "类别"), v.several(_group, 15), "如 独居；空巢"),
            Column("active", ("在册", "active", "启用"), v.flag, "是、否"),
        ),
        Kind.CONTACTS: (
            _elder,
            Column("role", ("关系", "role", "角色"), _words(CONTACT_ROLES), "、".join(CONTACT_ROLES), required=True),
            Column("name", ("姓名", "name", "联系人"), v.line(60), "", required=True),
            Column("phone", ("电话", "phone", "手机"), v.phone, "一个", required=True),
        ),
        Kind.DEVICES: (
            Column("serial", ("序列号", "serial", "设备号"), _serial, "已有的序列号会更新该设备", required=True),
            Column("kind", ("类型", "kind", "设备类型", "种类"), _words(DEVICE_KINDS), "、".join(DEVICE_KINDS), True),
            Column("number", ("号码", "number", "卡号", "sim"), v.phone, "设备打出时显示的号码"),
            Column("elder", ("老人编号", "elder code", "elder"), _code, "装在谁家"),
            Column("heartbeat_seconds", ("心跳(秒)", "heartbeat seconds", "心跳"), v.whole(10, 604_800), "报到间隔"),
        ),
        Kind.ACCOUNTS: (
            Column("user", ("用户名", "user", "工号", "账号"), _user, "登录用", required=True),
            Column("name", ("姓名", "name"), v.line(60), "", required=True),
            Column("role", ("角色", "role", "岗位"), _words(ACCOUNT_ROLES), "、".join(ACCOUNT_ROLES), required=True),
            Column("area", ("区域", "area", "片区"), v.line(60), "不填为所有区域"),
            Column("seat", ("坐席", "seat"), v.flag, "是：有话机"),
            Column("auto_answer", ("自动应答", "auto answer"), v.flag, "是：紧急来电自动接起"),
        ),
        Kind.STAFF: (
            Column("code", ("工号", "code", "编号"), _code, "已有的工号会更新该员工", required=True),
            Column("name", ("姓名", "name"), v.line(60), "新建时必填", required=True),
            Column("kind", ("岗位", "kind", "角色", "种类"), _words(STAFF_KINDS), "、".join(STAFF_KINDS), True),
            Column("phone", ("电话", "phone", "手机"), v.phone, ""),
            Column("station", ("站点", "station", "服务站"), v.line(60), ""),
            Column("area", ("区域", "area", "所属区域", "片区"), v.line(60), "按此区域的老人数核算配比"),
            Column("starts_on", ("入职日期", "starts on", "入职", "入职日"), v.day, "2025-05-01"),
            Column("ends_on", ("离职日期", "ends on", "离职", "最后一天"), v.day, "最后一天；在职不填"),
        ),
    }
)  # fmt: skip

MOST_ACCOUNTS = 200
"""Of one file: each password is hashed for long on purpose."""


def header_key(text: str) -> str:
    """What a header is compared by: ``电话（必填）*`` is 电话."""
    bare = re.sub(r"\((?!秒)[^)]*\)", "", v.plain(text).lower())
    return re.sub(r"[\s*:：_-]+", "", bare)


def by_header(kind: Kind) -> dict[str, Column]:
    """Columns by each of their names."""
    return {header_key(name): column for column in COLUMNS[kind] for name in column.names}
