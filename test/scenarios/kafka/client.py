"""Writes RECORDS records to TOPIC, then reads TOPIC from its start until it has TOTAL of them."""

import sys

from kafka import KafkaConsumer, KafkaProducer

bootstrap, topic, records, total = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

producer = KafkaProducer(bootstrap_servers=bootstrap, client_id="python-producer", acks="all")
for number in range(records):
    producer.send(topic, b"python %d" % number)
producer.flush()
producer.close()

consumer = KafkaConsumer(
    topic,
    bootstrap_servers=bootstrap,
    client_id="python-consumer",
    auto_offset_reset="earliest",
    group_id="python",
    fetch_max_wait_ms=100,
    consumer_timeout_ms=20_000,
)
read = 0
for _ in consumer:
    read += 1
    if read == total:
        break
consumer.close()
print(f"read {read}")
