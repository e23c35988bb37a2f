import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Asks a server by JDBC as a program does, and prints what comes back. */
class Ask {
    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = DriverManager.getConnection(arguments[0])) {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT id, price, day FROM orders ORDER BY id")) {
                while (rows.next()) {
                    System.out.println(rows.getLong(1) + " " + rows.getBigDecimal(2) + " " + rows.getDate(3));
                }
            }
            String sql = "SELECT id FROM orders WHERE id >= ? AND price = ?";
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.setLong(1, 2);
                statement.setBigDecimal(2, new BigDecimal("12345678901.25"));
                try (ResultSet rows = statement.executeQuery()) {
                    while (rows.next()) {
                        System.out.println("prepared " + rows.getLong(1));
                    }
                }
            }
            DatabaseMetaData about = connection.getMetaData();
            System.out.println(about.getDatabaseProductName() + " " + about.isReadOnly());
            print(about.getSchemas(), "TABLE_SCHEM");
            print(about.getTables(null, null, "ord%", null), "TABLE_NAME");
            print(about.getColumns(null, null, "orders", null), "COLUMN_NAME");
            print(about.getPrimaryKeys(null, null, "orders"), "COLUMN_NAME");
            try (Statement statement = connection.createStatement()) {
                statement.executeUpdate("DROP TABLE orders");
            } catch (SQLException error) {
                System.out.println("refused");
            }
        }
    }

    private static void print(ResultSet rows, String column) throws SQLException {
        try (rows) {
            while (rows.next()) {
                System.out.println(column + " " + rows.getString(column));
            }
        }
    }
}
