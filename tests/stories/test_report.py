"""2026-03-02, 23:10: a press, late answered; in the morning the station manager reads what happened (A1, A7)."""

import csv
import io

from tests.support.instance import Instance
from tests.support.pdf import text_of
from tests.support.sipp import until


async def test_a_late_answer_is_in_the_figures_the_file_and_the_report_that_the_station_manager_signs(
    center: Instance,
) -> None:
    elder = center.elders[0]
    op1 = await center.seat("op1")
    api = await center.sign_in("op1")

    # She presses and op1 lets it ring for too long.
    press = await center.dial("95120", elder["pendant"], seconds=60)
    await press.answered(1)
    ringing = await op1.call(seconds=3)

    async def late() -> bool:
        items = (await api.get("/emergencies"))["items"]
        return bool(items and items[0]["late"])

    await center.until(late, 10, "the breach of five seconds")
    waiting = (await center.client.get("/metrics")).text
    assert 'callcenter_answer_seconds{quantile="1",who="human",window="24h"} +Inf' in waiting
    await ringing.answer()

    async def answered() -> bool:
        return (await api.get("/emergencies"))["items"][0]["human_answer_ms"] is not None

    await center.until(answered, 5, "a human with her")
    emergency = (await api.get("/emergencies"))["items"][0]
    path = f"/emergencies/{emergency['id']}"
    await api.post(f"{path}/close", {"outcome": "home_treated", "summary": "头晕，已服药，女儿在场"})
    await until(lambda: any(event.startswith("ended") for event in press.events), 10, "her line to end")

    # In the morning: the figures, the same as a file, and the report.
    station = await center.sign_in("station1")

    async def counted() -> bool:
        total = (await station.get("/statistics/answer-times?by=day"))["total"]
        return bool(total["answered"] == 1 and (await station.get("/statistics/emergencies"))["total"]["open"] == 0)

    await center.until(counted, 10, "the figures")
    answer = await station.get("/statistics/answer-times?by=kind")
    human = answer["total"]["human"]
    assert (human["incidents"], human["within_limit"], human["share_within_limit"]) == (1, 0, 0.0)
    assert human["worst_ms"] == human["p50_ms"] == emergency["human_answer_ms"]
    assert answer["total"]["system"]["p50_ms"] == emergency["system_answer_ms"]
    file = await station.raw("/statistics/answer-times.csv?by=kind")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert rows[0]["人工最慢(毫秒)"] == str(emergency["human_answer_ms"])
    report = await station.raw(f"{path}/report.pdf")
    assert report.status_code == 200
    text = "".join(text_of(report.content))
    for words in (elder["name"], "超时", "就地处置", "头晕，已服药", "超过 5 秒仍无人工应答", "站长 蒋勤(station1)"):
        assert words in text, words
