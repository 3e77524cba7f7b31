/** How to bind the common clients by hand, where `run` cannot or one does not want it. */
import { formatAddress } from '../labels/address.js';
import type { Label } from '../labels/label.js';
import { addressAt, sourcesOf } from './sources.js';

interface Recipe {
  readonly client: string;
  /** For one address. */
  readonly text: (address: string) => string;
}

/** Destinations are 127.0.0.1:9092 throughout; what matters is where the source address goes. */
const recipes: readonly Recipe[] = [
  { client: 'curl', text: (a) => `curl --interface ${a} http://127.0.0.1:9092/` },
  { client: 'nc (OpenBSD)', text: (a) => `nc -s ${a} 127.0.0.1 9092` },
  { client: 'ssh', text: (a) => `ssh -b ${a} 127.0.0.1` },
  {
    client: 'Node',
    text: (a) => `net.connect({ host: '127.0.0.1', port: 9092, localAddress: '${a}' })
http.get({ host: '127.0.0.1', port: 9092, localAddress: '${a}' })
// fetch has no such option; undici: new Agent({ connect: { localAddress: '${a}' } })`,
  },
  {
    client: 'Python',
    text: (a) => `socket.create_connection(("127.0.0.1", 9092), source_address=("${a}", 0))
http.client.HTTPConnection("127.0.0.1", 9092, source_address=("${a}", 0))`,
  },
  {
    client: 'Go',
    text: (a) => `dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("${a}")}}
connection, err := dialer.Dial("tcp4", "127.0.0.1:9092")
// net/http: &http.Transport{DialContext: dialer.DialContext}`,
  },
  {
    client: 'Java',
    text: (a) => `new Socket("127.0.0.1", 9092, InetAddress.getByName("${a}"), 0)
// NIO: channel.bind(new InetSocketAddress("${a}", 0)) before channel.connect(...)
// HttpClient since 19: HttpClient.newBuilder().localAddress(InetAddress.getByName("${a}"))`,
  },
  {
    client: 'Erlang',
    text: (a) => `gen_tcp:connect({127,0,0,1}, 9092, [{ip, {${a.replaceAll('.', ',')}}}])`,
  },
  {
    client: '.NET',
    text: (a) => `var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
socket.Bind(new IPEndPoint(IPAddress.Parse("${a}"), 0));
socket.Connect("127.0.0.1", 9092);`,
  },
  {
    client: 'Rust (tokio)',
    text: (a) => `let socket = tokio::net::TcpSocket::new_v4()?;
socket.bind("${a}:0".parse()?)?;
let stream = socket.connect("127.0.0.1:9092".parse()?).await?;
// the standard library has none; socket2::Socket binds the same way`,
  },
  {
    client: 'librdkafka',
    text: (a) => `No setting for it: bind in the connect callback, which every binding in C has:
static int bound(int s, const struct sockaddr *to, int length, const char *id, void *opaque) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("${a}")};
  if (bind(s, (struct sockaddr *)&from, sizeof from) == -1) return errno;
  return connect(s, to, length) == -1 ? errno : 0;
}
rd_kafka_conf_set_connect_cb(conf, bound);`,
  },
  {
    client: 'nginx',
    text: (a) => `location / { proxy_bind ${a}; proxy_pass http://127.0.0.1:9092; }
# over several addresses: split_clients "$connection" $source { 50% ${a}; * OTHER; }
# and: proxy_bind $source;`,
  },
  {
    client: 'HAProxy',
    text: (a) => `backend kafka
  server one 127.0.0.1:9092 source ${a}`,
  },
  {
    client: 'wrk',
    text: () => `No setting for it: lbcap run, or HAProxy between.`,
  },
  { client: 'k6', text: (a) => `k6 run --local-ips=${a} script.js` },
  {
    client: 'JMeter',
    text: (a) => `HTTP Request, Advanced: Source address, IP/Hostname: ${a}
(HTTPSampler.ipSource in the plan)`,
  },
];

/** Names of the clients there is a recipe for. */
export const recipeClients: readonly string[] = recipes.map(({ client }) => client);

/** The recipe of one client. */
export function recipeOf(client: string, address: string): string | undefined {
  return recipes.find((recipe) => recipe.client === client)?.text(address);
}

/** All of them, for people. */
export function recipeText(label: Label): string {
  const { ipv4, ipv6 } = sourcesOf(label, false);
  const address = formatAddress(addressAt(ipv4.length > 0 ? ipv4 : ipv6, 0));
  const parts = recipes.map(
    ({ client, text }) => `${client}\n${text(address).replace(/^/gm, '    ')}\n`,
  );
  const head = `How to have ${label.name}'s connections come from ${address}, client by client. The server here is\n127.0.0.1:9092; use its number rather than "localhost", which is ::1 first for most.\n`;
  return `${head}\n${parts.join('\n')}`;
}
