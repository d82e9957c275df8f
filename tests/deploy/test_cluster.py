"""The cluster of one machine, as far as it needs not be started."""

from pathlib import Path

from deploy.cluster import HOW_TO_USE, Cluster


def test_it_says_how_duijie_speaks_to_it_from_another_shell(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    said = HOW_TO_USE.format(cluster)
    assert str(cluster.log_path) in said
    assert f"export DUIJIE_DATA={tmp_path} DUIJIE_KAFKA_BOOTSTRAP={cluster.kafka.bootstrap}" in said
    assert "127.0.0.1:" in cluster.kafka.bootstrap
