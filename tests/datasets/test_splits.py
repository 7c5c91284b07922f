import hashlib

from kerasdl.datasets.splits import digest, split_of


def test_split_is_the_hash_and_nothing_else():
    for key in ("tea", "Straße", ""):
        number = int(hashlib.sha256(key.encode()).hexdigest()[:16], 16)
        expected = "test" if number % 10 == 0 else "validation" if number % 10 == 1 else "train"
        assert split_of(key, 10) == expected
        assert digest(key) == hashlib.sha256(key.encode()).digest()


def test_shares():
    splits = [split_of(str(key), 20) for key in range(10_000)]
    # 500 expected, standard deviation 22.
    assert abs(splits.count("test") - 500) < 90
    assert abs(splits.count("validation") - 500) < 90
