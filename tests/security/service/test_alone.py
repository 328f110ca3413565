"""An app is alone in its folder: tools that walk up from it find nothing of the product."""

from tests.support.client import COMPONENT, Client, spin_toml, zipped

_MARKERS = ".git .hg package.json pyproject.toml setup.cfg pytest.ini mypy.ini uv.toml Makefile Cargo.toml .npmrc"
_WALK_UP = (
    f'd=$PWD; while [ "$d" != / ]; do d=$(dirname "$d"); for m in {_MARKERS}; do '
    'test ! -e "$d/$m" || { echo "found $d/$m"; exit 1; }; done; done; echo nothing above'
)


def test_nothing_of_the_product_is_above_an_app(cloud: Client) -> None:
    files = {"spin.toml": spin_toml(f"sh -c '{_WALK_UP}'"), "app.wasm": COMPONENT}
    task_id = cloud.start("app.zip", zipped(**files))
    task = cloud.wait(task_id)
    assert task["status"] == "done", task["error"]
    assert "nothing above" in cloud.build_log(task_id)
