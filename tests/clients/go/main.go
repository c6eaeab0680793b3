// franz-go: `franz-go BOOTSTRAP TOPIC`, and as a member of a group `franz-go BOOTSTRAP TOPIC GROUP NAME`. The line
// protocol and the runs: ../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	partitions = 3
	replicas   = 3
	before     = 1000
	after      = 1000
	window     = 50
	limit      = 1_000_000
)

type codec struct {
	name string
	kind kgo.CompressionCodec
}

var codecs = []codec{
	{"none", kgo.NoCompression()},
	{"gzip", kgo.GzipCompression()},
	{"snappy", kgo.SnappyCompression()},
	{"lz4", kgo.Lz4Compression()},
	{"zstd", kgo.ZstdCompression()},
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(word string, report any) {
	line, err := json.Marshal(report)
	must(err)
	fmt.Println(word, string(line))
}

func client(bootstrap string, options ...kgo.Opt) *kgo.Client {
	options = append(options, kgo.SeedBrokers(strings.Split(bootstrap, ",")...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	made, err := kgo.NewClient(options...)
	must(err)
	return made
}

func create(ctx context.Context, bootstrap, topic string) {
	admin := kadm.NewClient(client(bootstrap))
	defer admin.Close()
	enough := "2"
	_, err := admin.CreateTopic(ctx, partitions, replicas, map[string]*string{"min.insync.replicas": &enough}, topic)
	must(err)
	_, err = admin.CreateTopic(ctx, 1, replicas, nil, topic+".basic")
	must(err)
}

// offsets asks where the partitions start and end.
func offsets(ctx context.Context, bootstrap, topic string, count int32) (starts, ends []int64) {
	admin := kadm.NewClient(client(bootstrap))
	defer admin.Close()
	first, err := admin.ListStartOffsets(ctx, topic)
	must(err)
	last, err := admin.ListEndOffsets(ctx, topic)
	must(err)
	for number := range count {
		start, _ := first.Lookup(topic, number)
		end, _ := last.Lookup(topic, number)
		must(start.Err)
		must(end.Err)
		starts, ends = append(starts, start.Offset), append(ends, end.Offset)
	}
	return starts, ends
}

// read gives every record of the partitions, by assignment.
func read(ctx context.Context, bootstrap, topic string, starts, ends []int64) []*kgo.Record {
	places, wanted := map[int32]kgo.Offset{}, int64(0)
	for number, start := range starts {
		places[int32(number)] = kgo.NewOffset().At(start)
		wanted += ends[number] - start
	}
	reader := client(bootstrap, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: places}))
	defer reader.Close()
	var records []*kgo.Record
	for int64(len(records)) < wanted {
		fetches := reader.PollFetches(ctx)
		must(fetches.Err())
		records = append(records, fetches.Records()...)
	}
	return records
}

func valueOf(codec string) string {
	return strings.Repeat("a value under "+codec+" ", 20)
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return module.Version
		}
	}
	return "?"
}

func basic(ctx context.Context, bootstrap, topic string) {
	for _, codec := range codecs {
		producer := client(bootstrap, kgo.ProducerBatchCompression(codec.kind))
		record := &kgo.Record{Topic: topic, Key: []byte(codec.name), Value: []byte(valueOf(codec.name)),
			Headers: []kgo.RecordHeader{{Key: "codec", Value: []byte(codec.name)}}}
		must(producer.ProduceSync(ctx, record).FirstErr())
		producer.Close()
	}
	starts, ends := offsets(ctx, bootstrap, topic, 1)
	seen := [][]any{}
	for _, r := range read(ctx, bootstrap, topic, starts, ends) {
		seen = append(seen, []any{r.Offset, string(r.Key), string(r.Value), string(r.Headers[0].Value)})
	}
	say("basic", map[string]any{"version": version(), "read": seen})
}

// stream produces until the leader was killed, and then `after` more; it gives what was acknowledged, and where.
func stream(ctx context.Context, producer *kgo.Client, topic string) [][3]int64 {
	var last atomic.Int64
	var produced atomic.Int64
	last.Store(limit)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		if lines.Scan() && lines.Text() == "killed" {
			last.Store(produced.Load() + after)
		}
	}()
	var acked [][3]int64
	for value := int64(0); value < last.Load(); value++ {
		produced.Store(value)
		record := &kgo.Record{Topic: topic, Partition: int32(value % partitions), Value: strconv.AppendInt(nil, value, 10)}
		// Promises are kept one after the other, so the list needs no lock until Flush has returned.
		producer.Produce(ctx, record, func(record *kgo.Record, err error) {
			must(err)
			acked = append(acked, [3]int64{int64(record.Partition), record.Offset, value})
			if len(acked) == before {
				fmt.Println("half")
			}
		})
	}
	must(producer.Flush(ctx))
	return acked
}

func failover(ctx context.Context, bootstrap, topic string) {
	// Produce waits while `window` records are under way. Acks of all and idempotence are the defaults.
	producer := client(bootstrap, kgo.MaxBufferedRecords(window), kgo.ProducerLinger(0))
	acked := stream(ctx, producer, topic)
	leader, _, err := producer.PartitionLeader(topic, 0)
	must(err)
	producer.Close()
	starts, ends := offsets(ctx, bootstrap, topic, partitions)
	seen := map[int32][][2]int64{}
	for _, r := range read(ctx, bootstrap, topic, starts, ends) {
		value, err := strconv.ParseInt(string(r.Value), 10, 64)
		must(err)
		seen[r.Partition] = append(seen[r.Partition], [2]int64{r.Offset, value})
	}
	say("done", map[string]any{"acked": acked, "leader": leader, "read": seen, "starts": starts, "ends": ends})
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	bootstrap, topic := os.Args[1], os.Args[2]
	if len(os.Args) > 4 {
		speaks := "classic"
		if len(os.Args) > 5 {
			speaks = os.Args[5]
		}
		member(ctx, bootstrap, topic, os.Args[3], os.Args[4], speaks)
		return
	}
	create(ctx, bootstrap, topic)
	basic(ctx, bootstrap, topic+".basic")
	failover(ctx, bootstrap, topic)
}
