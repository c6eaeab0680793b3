import org.apache.kafka.clients.consumer.SubscriptionPattern;

/** As {@link Member}, but it subscribes to a pattern in RE2's syntax that stands for the topic (from Kafka 4.0 on). */
public final class PatternMember {
    public static void main(String[] arguments) {
        String topic = arguments[1];
        String pattern = "\\Q" + topic.substring(0, topic.length() - 1) + "\\E[[:alnum:]]";
        Member.run(arguments, (consumer, listener) -> consumer.subscribe(new SubscriptionPattern(pattern), listener));
    }
}
