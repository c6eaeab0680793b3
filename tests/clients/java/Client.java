import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Scanner;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Apache Kafka's Java client, 3.9 and 4.x alike: {@code Client BOOTSTRAP TOPIC}. The line protocol and the runs:
 * ../README.md.
 */
public final class Client {
    static final int PARTITIONS = 3;
    static final short REPLICAS = 3;
    static final int BEFORE = 1000;
    static final int AFTER = 1000;
    static final int WINDOW = 50;
    static final int LIMIT = 1_000_000;
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

    /** Where partitions start and end, and what is between, in the order in which it came. */
    record Read(Map<TopicPartition, Long> starts, Map<TopicPartition, Long> ends,
                List<ConsumerRecord<String, String>> records) {}

    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[0];
        String topic = arguments[1];
        create(bootstrap, topic);
        basic(bootstrap, topic + ".basic");
        failover(bootstrap, topic);
    }

    static void create(String bootstrap, String topic) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            NewTopic main = new NewTopic(topic, PARTITIONS, REPLICAS).configs(Map.of("min.insync.replicas", "2"));
            admin.createTopics(List.of(main, new NewTopic(topic + ".basic", 1, REPLICAS))).all().get();
            describe(admin, topic);
        }
    }

    /** What kafka-topics, kafka-configs and kafka-cluster ask: another API than the clients' own metadata. */
    static void describe(Admin admin, String topic) throws Exception {
        int brokers = admin.describeCluster().nodes().get().size();
        if (brokers != REPLICAS) {
            throw new IllegalStateException(brokers + " brokers are described, not " + REPLICAS);
        }
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!isDescribed(admin, topic)) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException(topic + " is not described as it was created");
            }
        }
        var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        if (!config.get("min.insync.replicas").value().equals("2")) {
            throw new IllegalStateException(config.toString());
        }
    }

    static boolean isDescribed(Admin admin, String topic) throws Exception {
        try {
            TopicDescription described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            return described.partitions().size() == PARTITIONS
                && described.partitions().stream().allMatch(p -> p.leader() != null && p.isr().size() == REPLICAS);
        } catch (ExecutionException error) {
            // The broker that is asked may not have heard of the topic yet.
            if (error.getCause() instanceof UnknownTopicOrPartitionException) {
                return false;
            }
            throw error;
        }
    }

    static KafkaProducer<String, String> producer(String bootstrap, String codec) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "compression.type", codec,
            "acks", "all", "enable.idempotence", "true");
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    static Read read(String bootstrap, String topic, int partitions) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> places = new ArrayList<>();
            for (int number = 0; number < partitions; number++) {
                places.add(new TopicPartition(topic, number));
            }
            var starts = consumer.beginningOffsets(places);
            var ends = consumer.endOffsets(places);
            long wanted = 0;
            for (TopicPartition place : places) {
                wanted += ends.get(place) - starts.get(place);
            }
            consumer.assign(places);
            consumer.seekToBeginning(places);
            List<ConsumerRecord<String, String>> records = new ArrayList<>();
            while (records.size() < wanted) {
                var more = consumer.poll(Duration.ofSeconds(30));
                if (more.isEmpty()) {
                    throw new IllegalStateException(records.size() + " records, and no more for 30 s");
                }
                more.forEach(records::add);
            }
            return new Read(starts, ends, records);
        }
    }

    static String valueOf(String codec) {
        return ("a value under " + codec + " ").repeat(20);
    }

    static void basic(String bootstrap, String topic) throws Exception {
        for (String codec : CODECS) {
            try (var producer = producer(bootstrap, codec)) {
                var record = new ProducerRecord<>(topic, codec, valueOf(codec));
                record.headers().add("codec", codec.getBytes(StandardCharsets.UTF_8));
                producer.send(record).get();
            }
        }
        String seen = read(bootstrap, topic, 1).records().stream().map(record -> {
            var header = new String(record.headers().lastHeader("codec").value(), StandardCharsets.UTF_8);
            return String.format("[%d,\"%s\",\"%s\",\"%s\"]", record.offset(), record.key(), record.value(), header);
        }).collect(Collectors.joining(","));
        System.out.printf("basic {\"version\":\"%s\",\"read\":[%s]}%n", AppInfoParser.getVersion(), seen);
    }

    /** Fills with what was acknowledged; says {@code half} when it is time to kill the leader. */
    static final class Acked {
        final List<String> places = new ArrayList<>();
        final AtomicReference<Exception> error = new AtomicReference<>();
        final Semaphore room = new Semaphore(WINDOW);
        volatile int last = LIMIT;
        volatile int produced;

        /** One thread of the producer calls this. */
        void settle(RecordMetadata place, int value, Exception failed) {
            if (failed != null) {
                error.compareAndSet(null, failed);
            } else {
                places.add("[" + place.partition() + "," + place.offset() + "," + value + "]");
                if (places.size() == BEFORE) {
                    System.out.println("half");
                }
            }
            room.release();
        }

        void listen() {
            Thread listener = new Thread(() -> {
                if (new Scanner(System.in).nextLine().equals("killed")) {
                    last = produced + AFTER;
                }
            });
            listener.setDaemon(true);
            listener.start();
        }
    }

    static void failover(String bootstrap, String topic) throws Exception {
        Acked acked = new Acked();
        acked.listen();
        int leader;
        try (var producer = producer(bootstrap, "none")) {
            for (int value = 0; value < acked.last && acked.error.get() == null; value++) {
                int sent = value;
                acked.produced = value;
                acked.room.acquire();
                producer.send(new ProducerRecord<>(topic, value % PARTITIONS, null, "" + value),
                    (place, failed) -> acked.settle(place, sent, failed));
            }
            producer.flush();
            leader = producer.partitionsFor(topic).stream().filter(one -> one.partition() == 0)
                .findFirst().orElseThrow().leader().id();
        }
        if (acked.error.get() != null) {
            throw acked.error.get();
        }
        report(topic, acked, leader, read(bootstrap, topic, PARTITIONS));
    }

    static void report(String topic, Acked acked, int leader, Read read) {
        List<String> starts = new ArrayList<>();
        List<String> ends = new ArrayList<>();
        List<String> records = new ArrayList<>();
        for (int number = 0; number < PARTITIONS; number++) {
            int wanted = number;
            starts.add("" + read.starts().get(new TopicPartition(topic, number)));
            ends.add("" + read.ends().get(new TopicPartition(topic, number)));
            records.add("\"" + number + "\":[" + read.records().stream().filter(one -> one.partition() == wanted)
                .map(one -> "[" + one.offset() + "," + one.value() + "]").collect(Collectors.joining(",")) + "]");
        }
        System.out.printf("done {\"acked\":[%s],\"leader\":%d,\"read\":{%s},\"starts\":[%s],\"ends\":[%s]}%n",
            String.join(",", acked.places), leader, String.join(",", records), String.join(",", starts),
            String.join(",", ends));
    }
}
