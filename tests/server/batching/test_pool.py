import threading
import time

from kerasdl.server.batching.pool import Pool


def test_all_work_is_done_and_the_last_thread_is_taken_first(caplog):
    done, names = [], set()
    event = threading.Event()

    def run(number):
        if number == 0:
            raise ValueError("a fault")
        done.append(number)
        names.add(threading.current_thread().name)
        event.set()

    pool = Pool(4, run, "test")
    pool.submit(0)
    for i in range(1, 20):
        event.clear()
        pool.submit(i)
        assert event.wait(5)
    pool.stop()
    assert done == list(range(1, 20))
    assert len(names) <= 2  # the one that is just putting itself to sleep may be passed over
    until = time.monotonic() + 5  # the thread that failed writes its log while the others work
    while "a fault" not in caplog.text and time.monotonic() < until:
        time.sleep(0.01)
    assert "a fault" in caplog.text
