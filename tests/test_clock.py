"""The clock of the store, as every machine reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.storage.clock import ASK_AGAIN_SECONDS, StoreClock

START = 1_800_000_000.0


class Machines:
    """A store and a machine whose clocks can be set; `try_command` is that of a connection."""

    def __init__(self) -> None:
        self.store = START
        self.wall = START
        self.monotonic = 0.0
        self.questions = 0
        self.is_away = False
        self.jumps_while_asked = 0.0
        self.seconds_on_the_way = (0.0, 0.0)  # of a question, and of its answer

    def clock(self) -> StoreClock:
        return StoreClock(self, lambda: self.wall, lambda: self.monotonic)  # type: ignore[arg-type]

    def pass_seconds(self, seconds: float) -> None:
        self.store += seconds
        self.wall += seconds
        self.monotonic += seconds

    def try_command(self, *command: str) -> list[bytes] | None:
        assert command == ("TIME",)
        self.questions += 1
        self.wall += self.jumps_while_asked
        self.jumps_while_asked = 0.0
        if self.is_away:
            return None
        there, back = self.seconds_on_the_way
        self.pass_seconds(there)
        read = self.store
        self.pass_seconds(back)
        whole = int(read)
        return [b"%d" % whole, b"%d" % int((read - whole) * 1e6)]


@pytest.fixture
def machines() -> Machines:
    return Machines()


def test_the_time_of_a_real_store_is_read(backend):
    seconds, microseconds = backend.connection.read("TIME")

    assert abs(backend.clock.time() - int(seconds) - int(microseconds) / 1e6) < 5


@pytest.mark.parametrize("ahead", [-600.0, 0.0, 600.0])
def test_a_machine_with_a_wrong_clock_has_the_time_of_the_store(machines, ahead):
    machines.wall += ahead
    clock = machines.clock()
    machines.pass_seconds(5)

    assert clock.time() == pytest.approx(machines.store, abs=1e-3)
    assert clock.ahead_seconds() == pytest.approx(ahead, abs=1e-3)
    assert clock.now().timestamp() == pytest.approx(machines.store, abs=1e-3)


@pytest.mark.parametrize("on_the_way", [(0.1, 0.0), (0.0, 0.1), (0.05, 0.05)])
def test_a_slow_answer_makes_the_time_late_by_its_way_and_never_early(machines, on_the_way):
    machines.seconds_on_the_way = on_the_way
    clock = machines.clock()
    clock.time()  # asks
    late = machines.store - clock.time()

    assert late == pytest.approx(on_the_way[1], abs=1e-5)


def test_how_far_a_clock_is_ahead_is_not_known_without_an_answer(machines):
    clock = machines.clock()
    known = clock.ahead_seconds()
    machines.is_away = True

    assert known == pytest.approx(0, abs=1e-3)
    assert clock.ahead_seconds() is None


def test_the_store_is_asked_once_in_ten_seconds(machines):
    clock = machines.clock()
    for _ in range(400):
        machines.pass_seconds(ASK_AGAIN_SECONDS / 100)
        clock.time()

    assert machines.questions in (4, 5)


def test_without_an_answer_it_is_asked_once_in_a_second(machines):
    machines.is_away = True
    clock = machines.clock()
    for _ in range(50):
        machines.pass_seconds(0.1)
        assert clock.time() == machines.wall

    assert machines.questions in (4, 5)


def test_what_must_not_ask_has_no_time_before_the_first_answer_and_after_a_jump(machines):
    clock = machines.clock()
    before = clock.known_time()
    clock.time()
    known = clock.known_time()
    machines.wall += 3_600
    after = clock.known_time()

    assert (before, after) == (None, None)
    assert known == pytest.approx(machines.store, abs=1e-3)
    assert machines.questions == 1


def test_a_reading_across_a_jump_does_not_count(machines):
    machines.jumps_while_asked = -3_600
    clock = machines.clock()
    clock.time()
    known = clock.known_time()

    assert known is None
    assert clock.time() == pytest.approx(machines.store, abs=1e-3)


events = st.one_of(
    st.tuples(st.just("pass"), st.floats(0, 30)),
    st.tuples(st.just("wall jumps"), st.floats(-7_200, 7_200)),
    st.tuples(st.just("store goes or comes"), st.just(0.0)),
)


@given(history=st.lists(events, max_size=20))
def test_whatever_a_machine_s_clock_does_the_time_is_never_later_than_the_store_s(history):
    machines = Machines()
    clock = machines.clock()
    clock.time()
    for event, seconds in history:
        if event == "pass":
            machines.pass_seconds(seconds)
        elif event == "wall jumps":
            machines.wall += seconds
        else:
            machines.is_away = not machines.is_away
            machines.pass_seconds(2)  # past the next question
        time = clock.time()

        assert time <= machines.store + 1e-3
        if not machines.is_away and machines.questions:
            clock.ahead_seconds()
            assert clock.time() == pytest.approx(machines.store, abs=1e-3)
