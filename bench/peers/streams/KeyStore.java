import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The store of keys that keyledger's events say, as a Kafka Streams application would keep it: one RocksDB, a row for
 * each key, exactly-once, one thread. For bench/rebuild.
 *
 * <p>usage: KeyStore BOOTSTRAP TOPIC EVENTS STATE_DIR (changelog | bare). `changelog` is Streams' own way, by which its
 * store survives the machine; `bare` leaves it away, as keyledger does. Prints: events, events per second, CPU µs per
 * event.
 */
public final class KeyStore {
  private static final String STORE = "keys";
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final class Fold implements Processor<byte[], byte[], Void, Void> {
    private final long events;
    private final CountDownLatch done;
    private long seen;
    private KeyValueStore<byte[], byte[]> keys;

    Fold(long events, CountDownLatch done) {
      this.events = events;
      this.done = done;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      keys = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        apply(JSON.readTree(record.value()));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
      if (++seen == events) {
        done.countDown();
      }
    }

    private void apply(JsonNode event) throws IOException {
      String type = event.path("type").asText();
      if (!type.startsWith("keyledger.Key") || type.endsWith("KeyValueRevealed")) {
        return;
      }
      byte[] id = event.path("subject").asText().getBytes(java.nio.charset.StandardCharsets.UTF_8);
      if (type.endsWith("KeyDeleted")) {
        keys.delete(id);
        return;
      }
      ObjectNode row;
      JsonNode data = event.path("data");
      if (type.endsWith("KeyCreated")) {
        row = JSON.createObjectNode();
        row.set("account", event.path("account"));
        row.set("created_at", event.path("time"));
        row.put("enabled", true);
        for (Map.Entry<String, JsonNode> member : data.properties()) {
          if (!member.getKey().equals("actor")) {
            row.set(member.getKey(), member.getValue());
          }
        }
      } else {
        byte[] before = keys.get(id);
        if (before == null) {
          throw new IllegalStateException("there is no key " + event.path("subject"));
        }
        row = (ObjectNode) JSON.readTree(before);
        switch (type) {
          case "keyledger.KeyEnabled" -> row.put("enabled", true);
          case "keyledger.KeyDisabled" -> row.put("enabled", false);
          case "keyledger.KeyRenamed" -> row.set("name", data.path("name"));
          case "keyledger.KeyDescribed" -> row.set("description", data.path("description"));
          case "keyledger.KeyExpiryChanged" -> row.set("expires_at", data.path("expires_at"));
          default -> throw new IllegalStateException("no key's event: " + type);
        }
      }
      row.set("version", event.path("keyversion"));
      keys.put(id, JSON.writeValueAsBytes(row));
    }
  }

  private static double cpuSeconds() {
    var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  public static void main(String[] arguments) throws InterruptedException {
    long events = Long.parseLong(arguments[2]);
    boolean changelog = arguments[4].equals("changelog");
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "keyledger-bench-" + ProcessHandle.current().pid());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[3]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");

    CountDownLatch done = new CountDownLatch(1);
    var store = Stores.keyValueStoreBuilder(
        Stores.persistentKeyValueStore(STORE), Serdes.ByteArray(), Serdes.ByteArray());
    store = changelog ? store.withLoggingEnabled(Map.of()) : store.withLoggingDisabled();
    Topology topology = new Topology();
    topology.addSource("events", new ByteArrayDeserializer(), new ByteArrayDeserializer(), arguments[1]);
    topology.addProcessor("fold", () -> new Fold(events, done), "events");
    topology.addStateStore(store, "fold");

    KafkaStreams streams = new KafkaStreams(topology, settings);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      Runtime.getRuntime().halt(1);
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    CountDownLatch running = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.RUNNING) {
        running.countDown();
      }
    });
    streams.start();
    running.await();
    long began = System.nanoTime();
    double cpu = cpuSeconds();
    done.await();
    double seconds = (System.nanoTime() - began) / 1e9;
    double used = cpuSeconds() - cpu;
    System.out.printf(java.util.Locale.ROOT, "%d %.1f %.3f%n", events, events / seconds, used / events * 1e6);
    streams.close();
  }
}
