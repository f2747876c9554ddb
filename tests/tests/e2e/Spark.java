// Reads tables of a store as Spark does, with Delta's own reader, and prints a line of JSON for each: its columns, and the
// values of one of them in order. Behind them what other types come to.
//
// Arguments: the store, then TABLE:COLUMN for each table.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

public class Spark {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        SparkSession spark = SparkSession.builder()
                .master("local[2]")
                .appName("lineward-reader")
                .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
                .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
                .config("spark.sql.session.timeZone", "UTC")
                // The tables are small: fifty parts of each log would take longer than all that is asked.
                .config("spark.databricks.delta.snapshotPartitions", "1")
                .config("spark.sql.shuffle.partitions", "1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.ui.enabled", "false")
                .getOrCreate();
        String store = arguments[0];
        for (int i = 1; i < arguments.length; i++) {
            String[] asked = arguments[i].split(":");
            Dataset<Row> table = spark.read().format("delta").load(store + "/" + asked[0]);
            table.createOrReplaceTempView(asked[0]);
            Map<String, Object> said = new LinkedHashMap<>();
            said.put("table", asked[0]);
            said.put("columns", List.of(table.columns()));
            said.put("values", firsts(table.select(asked[1]).orderBy(asked[1])));
            print(said);
        }
        Map<String, Object> checks = new LinkedHashMap<>();
        checks.put("table", "checks");
        checks.put("received_at_max_us", firsts(spark.sql("SELECT unix_micros(max(received_at)) FROM events")));
        checks.put("event_keys", firsts(spark.sql("SELECT lower(hex(event_key)) AS k FROM events ORDER BY k")));
        checks.put("parameters", firsts(spark.sql(
                "SELECT DISTINCT concat(run_id, ' ', params['epochs']) AS p FROM runs WHERE params['epochs'] IS NOT NULL ORDER BY p")));
        checks.put("categories", firsts(spark.sql(
                "SELECT DISTINCT concat_ws(',', categories) FROM findings WHERE entity = 'US_SSN'")));
        checks.put("first_version", firsts(spark.sql("SELECT count(*) FROM delta.`" + store + "/events` VERSION AS OF 0")));
        // The same query is asked of Lineward.
        checks.put("flows", firsts(spark.sql(System.getenv("FLOWS"))));
        print(checks);
        spark.stop();
    }

    private static List<Object> firsts(Dataset<Row> rows) {
        List<Object> values = new ArrayList<>();
        for (Row row : rows.collectAsList()) {
            values.add(row.get(0));
        }
        return values;
    }

    private static void print(Map<String, Object> said) throws Exception {
        System.out.println(JSON.writeValueAsString(said));
    }
}
