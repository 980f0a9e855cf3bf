import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.Receiver;
import org.jgroups.View;

/**
 * A member of a JGroups cluster that says how large it is, and sends and counts
 * messages as told by the lines of a FIFO: "send COUNT BYTES", "await COUNT".
 */
public final class Member implements Receiver {
	private final JChannel channel;
	private int received;

	private Member() throws Exception {
		channel = new JChannel("udp.xml");
		channel.setReceiver(this);
		channel.connect("web");
	}

	private static byte[] content(int size) {
		byte[] octets = new byte[size];
		Arrays.fill(octets, (byte) size);
		return octets;
	}

	@Override
	public void viewAccepted(View view) {
		System.out.println("cluster of " + view.size());
	}

	@Override
	public synchronized void receive(Message message) {
		byte[] octets = message.getObject();
		if (!Arrays.equals(octets, content(octets.length)))
			throw new IllegalStateException("a message that nobody sent");
		received++;
		notifyAll();
	}

	private void send(int count, int size) throws Exception {
		for (int i = 0; i < count; i++)
			channel.send(new BytesMessage(null, content(size)));
		System.out.println("sent " + count);
	}

	private synchronized void await(int count) throws InterruptedException {
		while (received < count)
			wait();
		System.out.println("received " + received);
		received = 0;
	}

	public static void main(String[] arguments) throws Exception {
		Member member = new Member();
		try (BufferedReader told = Files.newBufferedReader(Path.of(arguments[0]))) {
			for (String line; (line = told.readLine()) != null;) {
				String[] words = line.split(" ");
				int count = Integer.parseInt(words[1]);
				if (words[0].equals("send"))
					member.send(count, Integer.parseInt(words[2]));
				else
					member.await(count);
			}
		}
	}
}
