import asyncio

import numpy as np
import pytest
from serving_models import png

from kerasdl.client import AsyncClient, BadRequest, NotFound


def test_the_same_methods_awaited(server_url, tmp_path):
    (tmp_path / "dark.png").write_bytes(png(0))

    async def ask():
        async with AsyncClient(server_url) as client:
            assert repr(client) == f"AsyncClient('{server_url}')"
            (status,) = await client.status("half_plus_two")
            assert status["state"] == "AVAILABLE"
            assert "vec" in await client.metadata("half_plus_two")
            y = await client.predict("half_plus_two", inputs=np.float32([1, np.inf]))
            assert y.tolist() == [2.5, np.inf]
            (dark,) = await client.predict_images("images", tmp_path / "dark.png")
            assert dark["label"] == "dark"
            assert await client.predict_images("images", []) == []
            with pytest.raises(BadRequest, match=r"x\[np.newaxis"):
                await client.predict("convolution", inputs=np.zeros((8, 8)))
            with pytest.raises(NotFound, match="Versions that answer: 123"):
                await client.predict("half_plus_two", [1], version=9)

    asyncio.run(ask())


def test_many_at_once(server_url):
    async def ask():
        async with AsyncClient(server_url) as client:
            return await asyncio.gather(
                *(client.predict("half_plus_two", [float(i)]) for i in range(200))
            )

    assert asyncio.run(ask()) == [[i / 2 + 2] for i in range(200)]
