import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.cluster.MembershipListener;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.map.IMap;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Hazelcast member that says how large its cluster is, and fills and reads a
 * map as told by the lines of a FIFO: "put COUNT", "check COUNT".
 */
public final class Member implements MembershipListener {
	private final HazelcastInstance instance = Hazelcast.newHazelcastInstance();
	private final IMap<Integer, String> map = instance.getMap("sessions");

	private static String value(int key) {
		return "session " + key;
	}

	private void say() {
		System.out.println("cluster of " + instance.getCluster().getMembers().size());
	}

	@Override
	public void memberAdded(MembershipEvent event) {
		say();
	}

	@Override
	public void memberRemoved(MembershipEvent event) {
		say();
	}

	private void put(int count) {
		for (int key = 0; key < count; key++)
			map.set(key, value(key));
		System.out.println("put " + count);
	}

	private void check(int count) {
		int right = 0;
		for (int key = 0; key < count; key++)
			right += value(key).equals(map.get(key)) ? 1 : 0;
		System.out.println("right " + right);
	}

	public static void main(String[] arguments) throws IOException {
		Member member = new Member();
		member.instance.getCluster().addMembershipListener(member);
		member.say();
		try (BufferedReader told = Files.newBufferedReader(Path.of(arguments[0]))) {
			for (String line; (line = told.readLine()) != null;) {
				String[] words = line.split(" ");
				int count = Integer.parseInt(words[1]);
				if (words[0].equals("put"))
					member.put(count);
				else
					member.check(count);
			}
		}
	}
}
