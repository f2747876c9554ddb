import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * Asks a server with the JDBC drivers of PostgreSQL and of Arrow Flight SQL, as tools do: metadata first, then prepared
 * statements, large answers in pieces. Prints a line `driver what: answer` each.
 *
 * Usage: java Clients.java POSTGRES FLIGHT, each host:port.
 */
class Clients {
    private static final String QUESTION = "SELECT model_name FROM models_trained_on(?) ORDER BY 1";

    public static void main(String[] arguments) throws SQLException {
        Properties nobody = new Properties();
        nobody.setProperty("user", "me");
        ask("postgres", DriverManager.getConnection("jdbc:postgresql://" + arguments[0] + "/lineward", nobody));
        Properties plain = new Properties();
        plain.setProperty("useEncryption", "false");
        String flight = "jdbc:arrow-flight-sql://" + arguments[1];
        ask("flight", DriverManager.getConnection(flight, plain));
    }

    private static void ask(String driver, Connection connection) throws SQLException {
        try (connection) {
            DatabaseMetaData about = connection.getMetaData();
            tell(driver, "schemas", column(about.getSchemas(), "TABLE_SCHEM").contains("public"));
            List<String> tables = column(about.getTables(null, "public", "%", null), "TABLE_NAME");
            tell(driver, "tables", tables.contains("runs") && tables.contains("models"));
            tell(driver, "columns", column(about.getColumns(null, "public", "runs", "%"), "COLUMN_NAME").contains("run_id"));
            try (PreparedStatement statement = connection.prepareStatement(QUESTION)) {
                statement.setString(1, "PHI");
                tell(driver, "models", String.join(",", column(statement.executeQuery(), "model_name")));
            }
            times(driver, connection);
            if (driver.equals("postgres")) {
                looksAround(driver, about);
                prepared(driver, connection);
                pieces(driver, connection);
            }
            try (Statement statement = connection.createStatement()) {
                statement.executeQuery("SELECT * FROM nowhere").next();
            } catch (SQLException e) {
                tell(driver, "missing", e.getMessage().contains("nowhere") || "42P01".equals(e.getSQLState()));
            }
        }
    }

    private static void times(String driver, Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT min(started_at) FROM runs")) {
            rows.next();
            tell(driver, "time", rows.getTimestamp(1).after(Timestamp.valueOf("2000-01-01 00:00:00")));
        }
    }

    /** What tools ask to draw a picture of a database: there are no keys, and lineage functions are functions. */
    private static void looksAround(String driver, DatabaseMetaData about) throws SQLException {
        List<String> keys = column(about.getPrimaryKeys(null, "raw", "runs"), "COLUMN_NAME");
        keys.addAll(column(about.getImportedKeys(null, "raw", "runs"), "FK_NAME"));
        keys.addAll(column(about.getExportedKeys(null, "raw", "runs"), "FK_NAME"));
        keys.addAll(column(about.getIndexInfo(null, "raw", "runs", false, true), "INDEX_NAME"));
        keys.addAll(column(about.getBestRowIdentifier(null, "raw", "runs", 0, true), "COLUMN_NAME"));
        tell(driver, "keys", keys.size());
        tell(driver, "types", column(about.getTypeInfo(), "TYPE_NAME").contains("int8"));
        tell(driver, "privileges", column(about.getTablePrivileges(null, "public", "runs"), "PRIVILEGE").size() >= 0);
        tell(driver, "functions", column(about.getFunctions(null, "public", "upstream"), "FUNCTION_NAME"));
        List<String> arguments = column(about.getFunctionColumns(null, "public", "upstream", null), "COLUMN_NAME");
        tell(driver, "arguments", arguments.containsAll(List.of("asset", "max_depth", "version_id", "edge_type")));
    }

    /** Often enough that the driver prepares on the server and asks for binary values. */
    private static void prepared(String driver, Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT ?::bigint + 1, ?::float8, ?::text")) {
            long sum = 0;
            for (int i = 0; i < 8; i++) {
                statement.setLong(1, i);
                statement.setDouble(2, 0.5);
                statement.setString(3, "x");
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    sum += rows.getLong(1) + (long) (2 * rows.getDouble(2)) + rows.getString(3).length();
                }
            }
            tell(driver, "prepared", sum);
        }
    }

    /** A transaction and a fetch size make the driver read a portal piece by piece. */
    private static void pieces(String driver, Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(1000);
            long count = 0;
            try (ResultSet rows = statement.executeQuery("SELECT value FROM generate_series(1, 10500)")) {
                while (rows.next()) {
                    count++;
                }
            }
            tell(driver, "pieces", count);
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    private static List<String> column(ResultSet rows, String name) throws SQLException {
        List<String> values = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                values.add(rows.getString(name));
            }
        }
        return values;
    }

    private static void tell(String driver, String what, Object answer) {
        System.out.println(driver + " " + what + ": " + answer);
    }
}
