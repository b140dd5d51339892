"""Demo data: seats, accounts, plans and elders to try the product with; loading it again changes nothing.

Passwords are random, made at the first run, kept in the data folder's secrets. The names, numbers and
addresses are made up.
"""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.model import AccountRow
from callcenter.accounts.passwords import Passwords, new_password, new_sip_password, sip_ha1
from callcenter.accounts.permissions import Role
from callcenter.accounts.secrets import secrets_dir, write_once
from callcenter.accounts.service import create_account
from callcenter.alarms.model import AlarmSourceRow
from callcenter.alarms.source_service import SourceInput, create_source, new_secret
from callcenter.alarms.sources import Auth
from callcenter.clock import Clock
from callcenter.db import Database
from callcenter.devices.model import DeviceKind, DeviceRow, DeviceState
from callcenter.devices.service import DeviceInput, create_device
from callcenter.knowledge.model import ArticleRow
from callcenter.knowledge.samples import SAMPLES
from callcenter.knowledge.service import Knowledge
from callcenter.location.fence_service import FenceInput, PointInput, create_fence
from callcenter.people.model import ContactRole, ElderRow, PlanRow, Sex
from callcenter.people.plans import create_plan
from callcenter.people.schemas import ContactInput, ElderInput, PlanInput, StepInput
from callcenter.people.service import create_elder, elders_query
from callcenter.settings import Settings

_FILE = "credentials.json"

SEATS: dict[str, tuple[str, Role]] = {
    "op1": ("话务员 赵敏", Role.OPERATOR),
    "op2": ("话务员 钱丽", Role.OPERATOR),
    "op3": ("话务员 孙洁", Role.OPERATOR),
    "op4": ("话务员 吴婷", Role.OPERATOR),
    "op5": ("话务员 郑雯", Role.OPERATOR),
    "sup1": ("班长 冯静", Role.SUPERVISOR),
    "qa1": ("质检员 褚燕", Role.QA),
    "qa2": ("质检员 卫红", Role.QA),
}
ACCOUNTS: dict[str, tuple[str, Role]] = {
    "admin": ("管理员", Role.ADMIN),
    "station1": ("站长 蒋勤", Role.STATION),
}


SOURCES = {"demo-terminals": Auth.TOKEN, "demo-monitors": Auth.HMAC}
"""Who may send alarms besides calls."""


class _Person(msgspec.Struct, frozen=True):
    """One demo elder; ``number`` is the last digits of every number around her."""

    number: int
    name: str
    sex: Sex
    birth: date
    area: str
    address: str
    door_code: str
    key_holder: str
    notes: str
    groups: tuple[str, ...]
    place: tuple[float, float]
    landline: str | None
    plan: str
    family: tuple[str, ...]
    doctor: str
    social_worker: str
    community: str
    village: tuple[str, str, str] | None = None


_F, _M = Sex.FEMALE, Sex.MALE
_PEOPLE = (
    _Person(
        1,
        *("陈桂英", _F, date(1941, 3, 12), "姑苏区", "苏州市姑苏区平江路 128 号 3 幢 301 室", "3012#", "邻居 徐阿姨"),
        *(
            "高血压、冠心病；青霉素过敏；床头有硝酸甘油",
            ("独居", "高龄"),
            (31.3175, 120.6353),
            "051265001001",
            "跌倒与突发疾病",
        ),
        *(("陈晓燕（女儿）", "陈建国（儿子）"), "平江社区卫生服务中心 林医生", "结对社工 何蓉", "平江社区居委会"),
        village=("监护人 陈晓燕", "楼组长 朱伯明", "网格员 秦芳"),
    ),
    _Person(
        2,
        *("王秀兰", _F, date(1938, 11, 2), "姑苏区", "苏州市姑苏区观前街 66 号 2 单元 502 室", "B5020", "物业 值班室"),
        *("2 型糖尿病，胰岛素在冰箱；左髋置换术后", ("空巢", "高龄"), (31.3113, 120.6262), None, "跌倒与突发疾病"),
        *(("王丽华（女儿）", "王志强（儿子）"), "观前社区卫生服务中心 许医生", "结对社工 何蓉", "观前社区居委会"),
    ),
    _Person(
        3,
        *(
            "李德明",
            _M,
            date(1944, 6, 25),
            "吴中区",
            "苏州市吴中区木渎镇金山路 9 号 1 幢 102 室",
            "1026#",
            "弟弟 李德亮",
        ),
        *("慢阻肺，家用制氧机；耳背，请大声", ("独居",), (31.2620, 120.5190), "051265001003", "默认预案"),
        *(("李芸（女儿）", "李涛（儿子）"), "木渎人民医院 高医生", "结对社工 吕强", "金山社区居委会"),
    ),
    _Person(
        4,
        *("张玉珍", _F, date(1936, 1, 8), "虎丘区", "苏州市虎丘区狮山路 35 号 6 幢 804 室", "8040*", "邻居 施老师"),
        *("轻度认知障碍，可能走失；随身带定位终端", ("失智", "高龄"), (31.2987, 120.5560), None, "走失"),
        *(("张敏（女儿）", "张伟（儿子）"), "狮山社区卫生服务中心 孔医生", "结对社工 曹琳", "狮山社区居委会"),
    ),
    _Person(
        5,
        *("周福根", _M, date(1940, 9, 30), "吴江区", "苏州市吴江区七都镇隐读村 5 组 18 号", "无", "邻居 周阿三"),
        *("房颤，服华法林，易出血", ("独居", "五保"), (30.9480, 120.4150), "051265001005", "农村互助（一键通知）"),
        *(("周红（女儿）", "周斌（儿子）"), "七都卫生院 严医生", "结对社工 华勇", "隐读村村委会"),
        village=("监护人 周红", "小组长 金水根", "村干部 魏书记"),
    ),
    _Person(
        6,
        *("沈阿妹", _F, date(1939, 4, 17), "相城区", "苏州市相城区阳澄湖镇莲花村 2 组 7 号", "0707", "侄女 沈琴"),
        *("脑梗后遗症，右侧肢体无力，言语慢", ("失能", "空巢"), (31.4430, 120.8020), None, "农村互助（一键通知）"),
        *(("沈月琴（女儿）", "沈国平（儿子）"), "阳澄湖人民医院 陶医生", "结对社工 姜岚", "莲花村村委会"),
        village=("监护人 沈月琴", "小组长 戚长根", "村干部 谢主任"),
    ),
    _Person(
        7,
        *(
            "陆惠芳",
            _F,
            date(1946, 12, 5),
            "工业园区",
            "苏州市工业园区现代大道 88 号 12 幢 1603 室",
            "160388",
            "物业 邹管家",
        ),
        *("骨质疏松，曾腕部骨折", ("独居", "计生特扶"), (31.3230, 120.7230), "051265001007", "默认预案"),
        *(("陆佳（侄女）", "陆明（侄子）"), "湖西社区卫生服务中心 喻医生", "结对社工 柏青", "湖西社区居委会"),
    ),
    _Person(
        8,
        *("顾金生", _M, date(1937, 8, 21), "姑苏区", "苏州市姑苏区山塘街 210 号", "2100", "邻居 水师傅"),
        *("帕金森病，夜间易跌倒；装有心脏起搏器", ("高龄", "低保"), (31.3260, 120.5990), None, "跌倒与突发疾病"),
        *(("顾燕（女儿）", "顾勇（儿子）"), "山塘社区卫生服务中心 章医生", "结对社工 云飞", "山塘社区居委会"),
    ),
)

_LATER = (
    StepInput(at_seconds=20, targets=["social_worker", "community"]),
    StepInput(at_seconds=40, targets=["all_family", "doctor"]),
)
_PLANS = (
    PlanInput(
        name="默认预案",
        steps=[
            StepInput(at_seconds=0, targets=["free_seats"]),
            StepInput(at_seconds=3, targets=["paused_seats", "wrap_up_seats", "busy_seats", "supervisors"]),
            StepInput(at_seconds=5, targets=["duty", "next_center"]),
            StepInput(at_seconds=10, targets=["family", "guardian"]),
            *_LATER,
        ],
        checklist=["确认老人姓名与位置", "询问情况并保持通话", "通知家属"],
    ),
    PlanInput(
        name="跌倒与突发疾病",
        steps=[
            StepInput(at_seconds=0, targets=["free_seats"]),
            StepInput(at_seconds=3, targets=["paused_seats", "wrap_up_seats", "busy_seats", "supervisors"]),
            StepInput(at_seconds=5, targets=["duty", "next_center", "family"]),
            *_LATER,
        ],
        checklist=[
            "意识是否清楚、能否移动",
            "不要让老人自行起身",
            "告知 120 地址、门锁密码与过敏史",
            "通知家属与钥匙保管人",
        ],
        priority=1,
    ),
    PlanInput(
        name="走失",
        steps=[
            StepInput(at_seconds=0, targets=["free_seats", "family"]),
            StepInput(at_seconds=3, targets=["paused_seats", "wrap_up_seats", "busy_seats", "supervisors"]),
            StepInput(at_seconds=5, targets=["duty", "next_center", "community"]),
            *_LATER,
        ],
        checklist=["确认定位终端的位置与时间", "通知家属与社区", "必要时报警"],
    ),
    PlanInput(
        name="农村互助（一键通知）",
        steps=[
            StepInput(at_seconds=0, targets=["free_seats", "guardian", "group_leader", "village_cadre"]),
            StepInput(at_seconds=3, targets=["paused_seats", "wrap_up_seats", "busy_seats", "supervisors"]),
            StepInput(at_seconds=5, targets=["duty", "next_center"]),
            StepInput(at_seconds=10, targets=["family"]),
            *_LATER,
        ],
        checklist=["通知监护人、小组长、村干部", "询问情况并保持通话", "派最近的人上门"],
    ),
)


async def load_demo(database: Database, settings: Settings, clock: Clock, passwords: Passwords | None = None) -> None:
    """Put the demo data into a migrated database; what is there already stays as it is."""
    known = credentials(settings)
    async with database.transaction() as session:
        await _load_accounts(session, clock, passwords or Passwords(), known)
        await _load_sources(session, clock, known.get("alarm_sources", ()))
        plans = await _load_plans(session, clock)
        for person in _PEOPLE:
            await _load_person(session, clock, person, plans)
        await _load_articles(session, clock)


def credentials(settings: Settings) -> dict[str, Any]:
    """Demo passwords: ``{"seats": [{"user", "role", "sip_password", "web_password"}], "accounts": [{…}],
    "alarm_sources": [{"name", "auth", "secret"}]}``.

    Made at the first call; ``accounts`` have no phone and no ``sip_password``.
    """
    path = secrets_dir(settings) / _FILE
    made = {
        "seats": [
            {
                "user": user,
                "role": role.value,
                "sip_password": new_sip_password(),
                "web_password": new_password(user),
            }
            for user, (_, role) in SEATS.items()
        ],
        "accounts": [
            {"user": user, "role": role.value, "web_password": new_password(user)}
            for user, (_, role) in ACCOUNTS.items()
        ],
        "alarm_sources": [{"name": name, "auth": auth, "secret": new_secret()} for name, auth in SOURCES.items()],
    }
    write_once(path, json.dumps(made, indent=1).encode())
    stored: dict[str, Any] = json.loads(path.read_bytes())
    return stored


async def elders(database: Database) -> dict[str, Any]:
    """All elders as outside tests read them; numbers in the form that is dialled."""
    async with database.transaction() as session:
        rows = (await session.scalars(elders_query().order_by(ElderRow.code))).all()
        return {
            "elders": [
                {
                    "id": row.id,
                    "name": row.name,
                    "phones": [phone.number for phone in row.phones],
                    "pendant": next((d.number for d in row.devices if d.kind == DeviceKind.PENDANT), None),
                    "contacts": [{"role": c.role, "name": c.name, "phone": c.phone} for c in row.contacts],
                }
                for row in rows
            ]
        }


async def _load_accounts(session: AsyncSession, clock: Clock, passwords: Passwords, known: dict[str, Any]) -> None:
    rows = {row.user: row for row in await session.scalars(select(AccountRow))}
    seats = known["seats"]
    # The file of passwords was made anew (lost, or another data folder): then it is what holds.
    stale = all(
        seat["user"] in rows and rows[seat["user"]].sip_ha1 != sip_ha1(seat["user"], seat["sip_password"])
        for seat in seats
    )
    for given in (*seats, *known["accounts"]):
        user = given["user"]
        name, role = (SEATS | ACCOUNTS)[user]
        sip_password = given.get("sip_password")
        if user not in rows:
            await create_account(
                session,
                clock,
                passwords,
                user=user,
                name=name,
                role=role,
                password=given["web_password"],
                sip_password=sip_password,
            )
        elif stale:
            rows[user].password_hash = await passwords.hash(given["web_password"])
            rows[user].sip_ha1 = sip_ha1(user, sip_password) if sip_password else None


async def _load_sources(session: AsyncSession, clock: Clock, known: Iterable[dict[str, str]]) -> None:
    names = set(await session.scalars(select(AlarmSourceRow.name)))
    for given in known:
        if given["name"] not in names:
            await create_source(
                session, clock, SourceInput(name=given["name"], auth=Auth(given["auth"])), given["secret"]
            )


async def _load_plans(session: AsyncSession, clock: Clock) -> dict[str, str]:
    ids = {row.name: row.id for row in await session.scalars(select(PlanRow))}
    for plan in _PLANS:
        if plan.name not in ids:
            ids[plan.name] = (await create_plan(session, clock, plan)).id
    return ids


async def _load_articles(session: AsyncSession, clock: Clock) -> None:
    titles = set(await session.scalars(select(ArticleRow.title)))
    knowledge = Knowledge(clock)
    for sample in SAMPLES:
        if sample.title not in titles:
            await knowledge.create(session, sample, "demo")


async def _load_person(session: AsyncSession, clock: Clock, person: _Person, plans: dict[str, str]) -> None:
    code = f"DEMO-{person.number:02d}"
    if (await session.execute(select(ElderRow.id).where(ElderRow.code == code))).first():
        return
    latitude, longitude = person.place
    elder = await create_elder(
        session,
        clock,
        ElderInput(
            code=code,
            name=person.name,
            sex=person.sex,
            birth_date=person.birth,
            phones=[_number(10, person), *([person.landline] if person.landline else [])],
            area=person.area,
            address=person.address,
            door_code=person.door_code,
            key_holder_name=person.key_holder,
            key_holder_phone=_number(20, person),
            latitude=latitude,
            longitude=longitude,
            medical_notes=person.notes,
            groups=list(person.groups),
            plan_id=plans[person.plan],
            contacts=_contacts(person),
        ),
    )
    pendant: DeviceRow = await create_device(
        session,
        clock,
        DeviceInput(kind=DeviceKind.PENDANT, serial=f"{code}-PENDANT", number=_number(30, person), elder_id=elder.id),
    )
    pendant.state = DeviceState.IN_SERVICE  # made up, so it needs no test before it goes live
    if person.plan == "走失":
        terminal = await create_device(
            session,
            clock,
            DeviceInput(kind=DeviceKind.MOBILE_TERMINAL, serial=f"{code}-TERMINAL", elder_id=elder.id),
        )
        terminal.state = DeviceState.IN_SERVICE
        home = PointInput(latitude=latitude, longitude=longitude)
        await create_fence(session, clock, elder.id, FenceInput(name="住家附近", centre=home, radius_m=500))


def _contacts(person: _Person) -> list[ContactInput]:
    daughter, son = person.family
    listed = [
        (ContactRole.FAMILY, daughter, 11),
        (ContactRole.FAMILY, son, 12),
        (ContactRole.DOCTOR, person.doctor, 13),
        (ContactRole.SOCIAL_WORKER, person.social_worker, 14),
        (ContactRole.COMMUNITY, person.community, 15),
    ]
    if person.village:
        guardian, leader, cadre = person.village
        listed += [
            (ContactRole.GUARDIAN, guardian, 16),
            (ContactRole.GROUP_LEADER, leader, 17),
            (ContactRole.VILLAGE_CADRE, cadre, 18),
        ]
    return [ContactInput(role=role, name=name, phone=_number(series, person)) for role, name, series in listed]


def _number(series: int, person: _Person) -> str:
    return f"1380000{series}{person.number:02d}"
