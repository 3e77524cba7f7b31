import java.io.IOException;
import java.io.InputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** A client for the tests: socket, nio, http, udp or sendto, HOST, PORT. Prints what the peer says. */
public final class Client {
  private static final byte[] QUESTION = "who\n".getBytes(StandardCharsets.US_ASCII);

  public static void main(String[] words) throws Exception {
    System.out.print(ask(words[0], words[1], Integer.parseInt(words[2])));
  }

  private static String ask(String kind, String host, int port) throws Exception {
    switch (kind) {
      case "socket":
        return overSocket(host, port);
      case "nio":
        return overChannel(host, port);
      case "http":
        return overHttp(host, port);
      default:
        return overDatagram(kind.equals("udp"), host, port);
    }
  }

  private static String overSocket(String host, int port) throws IOException {
    try (Socket socket = new Socket(host, port)) {
      socket.getOutputStream().write(QUESTION);
      InputStream input = socket.getInputStream();
      return new String(input.readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  private static String overChannel(String host, int port) throws IOException {
    try (SocketChannel channel = SocketChannel.open(new InetSocketAddress(host, port))) {
      channel.write(ByteBuffer.wrap(QUESTION));
      ByteBuffer buffer = ByteBuffer.allocate(256);
      channel.read(buffer);
      return new String(buffer.array(), 0, buffer.position(), StandardCharsets.US_ASCII);
    }
  }

  private static String overHttp(String host, int port) throws Exception {
    URI address = URI.create("http://" + host + ":" + port + "/");
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    HttpRequest request = HttpRequest.newBuilder(address).build();
    return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  private static String overDatagram(boolean connected, String host, int port) throws IOException {
    try (DatagramSocket socket = new DatagramSocket()) {
      InetAddress address = InetAddress.getByName(host);
      if (connected) {
        socket.connect(address, port);
      }
      socket.send(new DatagramPacket(QUESTION, QUESTION.length, address, port));
      DatagramPacket answer = new DatagramPacket(new byte[256], 256);
      socket.setSoTimeout(5000);
      socket.receive(answer);
      return new String(answer.getData(), 0, answer.getLength(), StandardCharsets.US_ASCII);
    }
  }
}
