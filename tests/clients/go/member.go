package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// batch is how many records are processed together, and committed together.
const batch = 200

// held is what a member has: it hears what it is given and what it is to give up.
type held struct {
	topic string
	has   []int32
}

func (h *held) given(_ context.Context, _ *kgo.Client, all map[string][]int32) {
	h.has = append(h.has, all[h.topic]...)
	h.say()
}

func (h *held) gone(_ context.Context, _ *kgo.Client, all map[string][]int32) {
	h.has = slices.DeleteFunc(h.has, func(one int32) bool { return slices.Contains(all[h.topic], one) })
	h.say()
}

// say tells all that it has from now on.
func (h *held) say() {
	slices.Sort(h.has)
	say("assigned", append([]int32{}, h.has...))
}

// refused tells whether a rebalance came first: whoever has the partition now reads the records again.
func refused(err error) bool {
	return errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) ||
		errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.StaleMemberEpoch)
}

// number is which record it is; nothing where records are not numbered.
func number(value []byte) any {
	if found, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		return found
	}
	return nil
}

// settle tells what was processed, commits it, and tells that too.
func settle(ctx context.Context, consumer *kgo.Client, records []*kgo.Record) {
	seen, ends := [][]any{}, map[int32]int64{}
	for _, r := range records {
		seen = append(seen, []any{r.Partition, r.Offset, number(r.Value)})
		ends[r.Partition] = r.Offset + 1
	}
	say("read", seen)
	err := consumer.CommitRecords(ctx, records...)
	if refused(err) {
		return
	}
	must(err)
	places := [][2]int64{}
	for partition, end := range ends {
		places = append(places, [2]int64{int64(partition), end})
	}
	say("committed", places)
}

// protocol is how it talks to its coordinator. In that of KIP-848 time-outs are the group's settings, and the sticky
// balancer stands for the assignor uniform.
func protocol(name string) []kgo.Opt {
	if name == "consumer" {
		return []kgo.Opt{kgo.ServerSideBalancer(), kgo.Balancers(kgo.StickyBalancer())}
	}
	return []kgo.Opt{kgo.Balancers(kgo.RangeBalancer()), kgo.SessionTimeout(6 * time.Second),
		kgo.HeartbeatInterval(500 * time.Millisecond)}
}

// member reads as part of a group until it is told to leave.
func member(ctx context.Context, bootstrap, topic, group, name, speaks string) {
	var leaving atomic.Bool
	go func() {
		bufio.NewScanner(os.Stdin).Scan()
		leaving.Store(true)
	}()
	mine := &held{topic: topic}
	consumer, err := kgo.NewClient(append(protocol(speaks),
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ClientID(name),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(mine.given), kgo.OnPartitionsRevoked(mine.gone), kgo.OnPartitionsLost(mine.gone))...)
	must(err)
	for !leaving.Load() {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		fetches := consumer.PollRecords(short, batch)
		cancel()
		for _, failed := range fetches.Errors() {
			if !errors.Is(failed.Err, context.DeadlineExceeded) {
				must(failed.Err)
			}
		}
		if records := fetches.Records(); len(records) > 0 {
			settle(ctx, consumer, records)
		}
		consumer.AllowRebalance()
	}
	consumer.Close()
	fmt.Println("left")
}
