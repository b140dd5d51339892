"""What an operator does in each kind of event, when the elder's plan says nothing of its own (A6)."""

from collections.abc import Mapping
from types import MappingProxyType

from callcenter.emergency.kinds import Kind

ASK = ("确认老人姓名与位置", "询问是否受伤、能否说话", "全程保持通话", "通知家属")

CHECKLISTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        Kind.MANUAL: ASK,
        Kind.FALL: (
            "询问意识是否清楚、能否移动",
            "告诉老人不要自行起身",
            "头部受伤、剧痛或不能移动时呼叫120",
            "把地址、门锁密码与病史发给到场人员",
            "通知家属与钥匙保管人",
        ),
        Kind.ILLNESS: (
            "询问胸痛、气短、言语或肢体无力",
            "呼叫120，说明病史与用药",
            "按既往医嘱指导，不指导用药加量",
            "通知家属与社区医生",
            "确认有人开门接应急救",
        ),
        Kind.SMOKE: ("确认是否起火", "起火按火灾处理", "让老人离开有烟的房间", "通知家属与社区上门查看"),
        Kind.FIRE: (
            "让老人立即离开，不取财物",
            "拨打119，说明地址与被困情况",
            "呼叫120",
            "通知家属与社区",
            "通知邻居与物业",
        ),
        Kind.GAS: ("不要开关电器与明火", "让老人开窗并离开", "拨打119与燃气抢修电话", "通知家属与社区上门"),
        Kind.INACTIVITY: ("拨打老人各个电话", "联系家属与邻居", "请社区或钥匙保管人上门", "无人应门时报警并呼叫120"),
        Kind.FENCE: ("查看最近定位的时间与误差", "与老人通话确认去向", "通知指定联系人", "联系不上按走失处理"),
        Kind.WANDERING: (
            "查看最近定位的时间与误差",
            "询问衣着与常去的地方",
            "通知家属与社区分头寻找",
            "拨打110报警",
            "找到后确认身体状况",
        ),
        Kind.THEFT: ("确认老人是否安全、嫌疑人是否离开", "拨打110报警", "告诉老人不要触碰现场", "通知家属与社区"),
        Kind.OTHER: ASK,
    }
)
