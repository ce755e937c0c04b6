"""A class in one room: every vote counted, and what it costs the server.

The teacher's page is open in Chromium; the students are clients that speak Streamlit's protocol, as
many and as often as their phones would.
"""

import asyncio
import random
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import websockets
from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.memory import PATIENCE, app, browser


class Student:
    """A phone: draws what it is sent, looks for news when it is told to, votes when it is asked."""

    def __init__(self, address: str, code: str, number: int) -> None:
        self.address, self.code, self.random = address, code, random.Random(number)
        self.cookie = self.heading = self.question = ""
        self.begun = False
        self.plan: list[tuple[float, str]] = []  # when to do what
        self.buttons: dict[str, tuple[str, str]] = {}  # label: id and type
        self.vote: str | None = None
        self.patience = 0.0  # until then, a page may be behind
        self.news = 0.0  # when the heading changed last, or an answer was shown
        self.wrong: list[str] = []
        self.ready = threading.Event()  # the vote for this question is final

    async def attend(self) -> None:
        """Come within ten seconds, stay until cancelled; now and then, load the page again."""
        await asyncio.sleep(self.random.uniform(0.0, 10.0))
        while True:
            with suppress(websockets.ConnectionClosed):  # a browser connects again, too
                await self._visit()

    async def _visit(self) -> None:
        url = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        headers = {"Cookie": self.cookie} if self.cookie else {}
        self.page = ""
        async with websockets.connect(
            url, subprotocols=["streamlit"], additional_headers=headers, ping_interval=None
        ) as self.socket:
            await self._send()
            watch, due = ("", 0.0), float("inf")
            self.plan = []
            while True:
                now = time.monotonic()
                if self.plan and self.plan[0][0] <= now:
                    what = self.plan.pop(0)[1]
                    if what == "reload":
                        break
                    if what == "check":
                        self.plan = self._check(now)
                    else:
                        self.vote = self.random.choice(sorted(self.buttons))
                        await self._send(click=self.buttons[self.vote][0])
                if due <= now:
                    await self._send(fragment=watch[0])
                    due = now + watch[1]
                wait = min(due, self.plan[0][0] if self.plan else due) - now
                try:
                    data = await asyncio.wait_for(self.socket.recv(), max(0.0, min(wait, 5.0)))
                except TimeoutError:
                    continue
                message = ForwardMsg.FromString(data)
                kind = message.WhichOneof("type")
                if kind == "auto_rerun":
                    watch = message.auto_rerun.fragment_id, message.auto_rerun.interval
                    due = time.monotonic() + watch[1]
                else:
                    self._draw(message, kind)

    def _draw(self, message: ForwardMsg, kind: str | None) -> None:
        if kind == "new_session":
            self.begun = True
        elif kind == "navigation":
            self.page = message.navigation.page_script_hash
        if kind != "delta":
            return
        if self.begun and not message.delta.fragment_id:  # the whole page, not only the watch
            self.buttons, self.begun = {}, False
        element = message.delta.new_element
        if element.WhichOneof("type") == "heading":
            if element.heading.body != self.heading:
                self.heading, self.news = element.heading.body, time.monotonic()
        elif element.WhichOneof("type") == "button":
            self.buttons[element.button.label] = element.button.id, element.button.type
        elif element.WhichOneof("type") == "alert":
            self.news = time.monotonic()
        elif found := re.search(r"cookie = '([^;]+)", element.html.body):
            self.cookie = found[1]  # the last thing on the page
            self.plan = self._drawn(self.plan)

    def _drawn(self, plan: list[tuple[float, str]]) -> list[tuple[float, str]]:
        """On a whole page: what to do next, and when."""
        if not self.buttons:
            return plan
        now = time.monotonic()
        question = next(iter(self.buttons.values()))[0].split("vote-")[1].split("-")[0]
        if question == self.question:
            return plan if plan or self.ready.is_set() else [(now, "check")]  # after a reload
        self.question, self.vote = question, None
        self.ready.clear()
        whats = ["vote", *["vote"] * (self.random.random() < 0.4)]  # or another one after it
        whats.append("reload" if self.random.random() < 0.05 else "check")
        times = [self.random.uniform(0.2, 3.0)]
        for _ in whats[1:]:
            times.append(times[-1] + self.random.uniform(0.5, 1.5))
        self.patience = now + times[-1] + 20
        return [(now + at, what) for at, what in zip(times, whats, strict=True)]

    def _check(self, now: float) -> list[tuple[float, str]]:
        """Whether the page shows the student's last vote, and no other; look again if not."""
        chosen = [label for label, (_, kind) in self.buttons.items() if kind == "primary"]
        if chosen != [self.vote] and now < self.patience:
            return [(now + 0.3, "check")]
        if chosen != [self.vote]:
            self.wrong.append(f"question {self.question}: {self.vote} chosen, {chosen} shown")
        self.ready.set()
        return []

    async def _send(self, click: str = "", fragment: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = f"code={self.code}", self.page
        if not self.page:
            state.page_name = "room"
        state.context_info.url = f"{self.address}/room"
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        if click:
            state.widget_states.widgets.add(id=click, trigger_value=True)
        await self.socket.send(message.SerializeToString())


def measure(students: int = 40, questions: int = 10) -> dict[str, Any]:
    """Ask that many questions; compare what the teacher's page counts with what was chosen."""
    with app() as (address, server), browser() as chromium:
        teacher = chromium.new_page(viewport={"width": 1280, "height": 720})
        teacher.goto(f"{address}/lab?view=Quiz")
        teacher.get_by_role("button", name="Class mode").click(timeout=PATIENCE)
        code = teacher.locator(".st-key-room-invitation h1").inner_text(timeout=PATIENCE)
        alone = server.memory_info().rss
        phones = [Student(address, code.replace(" ", ""), n) for n in range(students)]
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        visits = [asyncio.run_coroutine_threadsafe(phone.attend(), loop) for phone in phones]
        _reads(teacher, f"{students} students joined")
        used, start = _cpu(server), time.monotonic()
        lost, delays = 0, list[float]()
        for number in range(questions):
            _press(teacher, "First question" if number % 8 == 0 else "Next question")
            teacher.get_by_role("heading", name=f"Question {number % 8 + 1} of").wait_for()
            for phone in phones:
                while phone.question != str(number + 1) or not phone.ready.is_set():
                    _wait(visits)
            _reads(teacher, f"{students} of {students} answered")
            chosen, shown = Counter(phone.vote for phone in phones), time.monotonic()
            _press(teacher, "Show the answer")
            last = number % 8 == 7
            step = teacher.get_by_role("button", name="Final score" if last else "Next question")
            step.wait_for(timeout=PATIENCE)
            teacher.locator(".votes > div").first.wait_for(timeout=PATIENCE)  # drawn after it
            counted = Counter[str | None]()
            for bar in teacher.locator(".votes > div").all():
                name = bar.locator("span").inner_text().removesuffix(" ✓")
                counted[name] = int(bar.locator("b").inner_text())
            lost += (chosen - counted).total() + (counted - chosen).total()
            while any(phone.news < shown for phone in phones):
                _wait(visits)
            delays.append(max(phone.news for phone in phones) - shown)
            if last:
                step.click()
        seconds, used = time.monotonic() - start, _cpu(server) - used
        time.sleep(5)  # now nobody has anything to do
        idle = _cpu(server)
        time.sleep(10)
        idle = (_cpu(server) - idle) / 10
        for visit in visits:
            visit.cancel()
        return {
            "students": students,
            "questions": questions,
            "votes lost or wrong": lost,
            "wrong on a phone": [note for phone in phones for note in phone.wrong],
            "s until the last phone shows an answer, at most": round(max(delays), 1),
            "cores while voting": round(used / seconds, 2),
            "cores while all wait": round(idle, 2),
            "server mb before the students": round(alone / 2**20),
            "server mb at its peak": _peak_mb(server.pid),
        }


def _wait(visits: list[Any]) -> None:
    """A moment; raises what has ended a visit, which would be waited for in vain."""
    time.sleep(0.05)
    for visit in visits:
        if visit.done():
            visit.result()


def _press(teacher: Page, name: str) -> None:
    teacher.get_by_role("button", name=name).click(timeout=PATIENCE)


def _reads(teacher: Page, words: str) -> None:
    expect(teacher.get_by_text(words)).to_be_visible(timeout=PATIENCE)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak_mb(pid: int) -> int:
    """The largest resident set since the start, as Linux counts it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024)  # type: ignore[index]
