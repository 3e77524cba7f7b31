// Writes RECORDS records to TOPIC, then reads TOPIC from its start until it has TOTAL of them.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

const clientID = "go-client"

func main() {
	bootstrap, topic := os.Args[1], os.Args[2]
	records, total := number(os.Args[3]), number(os.Args[4])
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	transport := &kafka.Transport{ClientID: clientID}
	writer := &kafka.Writer{
		Addr:         kafka.TCP(bootstrap),
		Topic:        topic,
		Transport:    transport,
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: 10 * time.Millisecond,
	}
	messages := make([]kafka.Message, records)
	for i := range messages {
		messages[i].Value = []byte(fmt.Sprintf("go %d", i))
	}
	check(writer.WriteMessages(ctx, messages...))
	check(writer.Close())

	read := 0
	dialer := &kafka.Dialer{ClientID: clientID, Timeout: 10 * time.Second}
	partitions, err := dialer.LookupPartitions(ctx, "tcp", bootstrap, topic)
	check(err)
	for _, partition := range partitions {
		read += readPartition(ctx, dialer, bootstrap, topic, partition.ID)
	}
	if read != total {
		log.Fatalf("%d records instead of %d", read, total)
	}
	fmt.Printf("read %d\n", read)
}

// readPartition reads a partition up to its present end and says how many records that were.
func readPartition(ctx context.Context, dialer *kafka.Dialer, bootstrap, topic string, id int) int {
	connection, err := dialer.DialLeader(ctx, "tcp", bootstrap, topic, id)
	check(err)
	defer connection.Close()
	end, err := connection.ReadLastOffset()
	check(err)
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers:   []string{bootstrap},
		Topic:     topic,
		Partition: id,
		Dialer:    dialer,
		MaxWait:   100 * time.Millisecond,
	})
	defer reader.Close()
	for i := int64(0); i < end; i++ {
		_, err := reader.ReadMessage(ctx)
		check(err)
	}
	return int(end)
}

func number(word string) int {
	value, err := strconv.Atoi(word)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
