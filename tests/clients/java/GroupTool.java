import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.tools.consumer.group.ConsumerGroupCommand;

/**
 * Kafka's own kafka-consumer-groups, command after command in one process: each line of standard input has the arguments of
 * one, with tabs between. What it prints comes out as it is, and behind it a line "== STATUS". The first argument may be
 * "produce" instead, with a topic, a partition and a number of records.
 */
public final class GroupTool {
    private static final class Ended extends RuntimeException {
        final int status;

        Ended(int status) {
            super(null, null, false, false);
            this.status = status;
        }
    }

    public static void main(String[] arguments) throws Exception {
        String bootstrap = arguments[0];
        PrintStream answers = System.out;
        Exit.setExitProcedure((status, message) -> {
            throw new Ended(status);
        });
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            PrintStream to = new PrintStream(said, true, StandardCharsets.UTF_8);
            System.setOut(to);
            System.setErr(to);
            int status = 0;
            try {
                if (words[0].equals("produce")) {
                    produce(bootstrap, words[1], Integer.parseInt(words[2]), Integer.parseInt(words[3]));
                } else {
                    String[] all = Arrays.copyOf(words, words.length + 2);
                    all[words.length] = "--bootstrap-server";
                    all[words.length + 1] = bootstrap;
                    ConsumerGroupCommand.main(all);
                }
            } catch (Ended ended) {
                status = ended.status;
            }
            answers.println(said.toString(StandardCharsets.UTF_8).stripTrailing());
            answers.println("== " + status);
            answers.flush();
        }
    }

    private static void produce(String bootstrap, String topic, int partition, int records) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int n = 0; n < records; n++) {
                producer.send(new ProducerRecord<>(topic, partition, 1_600_000_000_000L + 1_000L * n, "k" + n, "v" + n));
            }
        }
    }
}
