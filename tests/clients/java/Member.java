import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.TreeMap;
import java.util.TreeSet;
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
 * Apache Kafka's Java client as a member of a group: {@code Member BOOTSTRAP TOPIC GROUP NAME [consumer]}. The lines
 * that it says: ../README.md.
 */
public final class Member {
    static final String BATCH = "200";
    static final Map<String, String> CLASSIC = Map.of("partition.assignment.strategy", RangeAssignor.class.getName(),
        "session.timeout.ms", "6000", "heartbeat.interval.ms", "500");
    static volatile boolean leaving;

    /** How a member says which topics it wants. */
    interface Subscription {
        void subscribe(KafkaConsumer<String, String> consumer, ConsumerRebalanceListener listener);
    }

    public static void main(String[] arguments) {
        run(arguments, (consumer, listener) -> consumer.subscribe(List.of(arguments[1]), listener));
    }

    static void run(String[] arguments, Subscription subscription) {
        listen();
        var settings = new HashMap<String, Object>(Map.of("bootstrap.servers", arguments[0], "group.id", arguments[2],
            "client.id", arguments[3], "auto.offset.reset", "earliest", "enable.auto.commit", "false",
            "max.poll.records", BATCH));
        boolean classic = arguments.length < 5;
        // In the protocol of KIP-848 the coordinator assigns, and time-outs are the group's settings.
        settings.putAll(classic ? CLASSIC : Map.of("group.protocol", arguments[4]));
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            subscription.subscribe(consumer, new Listener());
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

    /** Tells what it has, as it is given some and gives some up. */
    static final class Listener implements ConsumerRebalanceListener {
        private final TreeSet<Integer> has = new TreeSet<>();

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> places) {
            places.forEach(place -> has.add(place.partition()));
            System.out.println("assigned " + has);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> places) {
            places.forEach(place -> has.remove(place.partition()));
            System.out.println("assigned " + has);
        }
    }
}
