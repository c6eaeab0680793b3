import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Apache Kafka's Java client as a member of a group: {@code Member BOOTSTRAP TOPIC GROUP NAME}. The lines that it
 * says: ../README.md.
 */
public final class Member {
    static final String BATCH = "200";
    static volatile boolean leaving;

    public static void main(String[] arguments) {
        listen();
        Map<String, Object> settings = Map.of("bootstrap.servers", arguments[0], "group.id", arguments[2],
            "client.id", arguments[3], "partition.assignment.strategy", RangeAssignor.class.getName(),
            "auto.offset.reset", "earliest", "enable.auto.commit", "false", "max.poll.records", BATCH,
            "session.timeout.ms", "6000", "heartbeat.interval.ms", "500");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(arguments[1]), new Listener());
            while (!leaving) {
                var records = consumer.poll(Duration.ofMillis(100));
                if (!records.isEmpty()) {
                    settle(consumer, records);
                }
            }
        }
        System.out.println("left");
    }

    static void listen() {
        Thread listener = new Thread(() -> {
            new Scanner(System.in).hasNextLine();
            leaving = true;
        });
        listener.setDaemon(true);
        listener.start();
    }

    /** Tells what was processed, commits it, and tells that too. */
    static void settle(KafkaConsumer<String, String> consumer, ConsumerRecords<String, String> records) {
        Map<Integer, Long> ends = new TreeMap<>();
        StringBuilder seen = new StringBuilder();
        for (ConsumerRecord<String, String> record : records) {
            ends.put(record.partition(), record.offset() + 1);
            seen.append(seen.isEmpty() ? "" : ",").append("[" + record.partition() + "," + record.offset() + ","
                + number(record.value()) + "]");
        }
        System.out.println("read [" + seen + "]");
        try {
            consumer.commitSync();
        } catch (CommitFailedException | RebalanceInProgressException error) {
            return; // A rebalance came first: whoever has the partition now reads the records again.
        }
        System.out.println("committed [" + ends.entrySet().stream()
            .map(place -> "[" + place.getKey() + "," + place.getValue() + "]").collect(Collectors.joining(",")) + "]");
    }

    /** Which record it is; null where records are not numbered. */
    static String number(String value) {
        return value.matches("\\d+") ? value : "null";
    }

    /** Tells what it is given and what it gives up. */
    static final class Listener implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> places) {
            System.out.println("assigned " + places.stream().map(TopicPartition::partition).sorted().toList());
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> places) {
            System.out.println("assigned []");
        }
    }
}
