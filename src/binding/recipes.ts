/** How to bind the common clients by hand, where `run` cannot or one does not want it. */
import { bytesOf, formatAddress, valueOf } from '../labels/address.js';
import type { AddressBytes, Label } from '../labels/label.js';
import { addressAt, countOf, sourcesOf } from './sources.js';

interface Recipe {
  readonly client: string;
  /** For one address; `next` is another, where several are of use. */
  readonly text: (address: string, next: string) => string;
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
fetch('http://127.0.0.1:9092/', { dispatcher: new Agent({ localAddress: '${a}' }) })
// Agent is of the npm package undici; Node itself has no such option for fetch`,
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
    text: (
      a,
    ) => `var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
socket.Bind(new IPEndPoint(IPAddress.Parse("${a}"), 0));
socket.Connect("127.0.0.1", 9092);`,
  },
  {
    client: 'Rust',
    text: (a) => `let socket = tokio::net::TcpSocket::new_v4()?;
socket.bind("${a}:0".parse()?)?;
let stream = socket.connect("127.0.0.1:9092".parse()?).await?;
// reqwest: ClientBuilder::local_address(IpAddr::from([${a.replaceAll('.', ', ')}]))
// the standard library has none; socket2::Socket::bind does the same without tokio`,
  },
  {
    client: 'librdkafka',
    text: (
      a,
    ) => `No setting for it: bind in the connect callback. Where a binding of another language does
not pass that on, lbcap run it is.
static int bound(int s, const struct sockaddr *to, int length, const char *id, void *opaque) {
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("${a}")};
  if (bind(s, (struct sockaddr *)&from, sizeof from) == -1) return errno;
  return connect(s, to, length) == -1 && errno != EINPROGRESS ? errno : 0;
}
rd_kafka_conf_set_connect_cb(conf, bound);`,
  },
  {
    client: 'nginx',
    text: (a, next) => `location / { proxy_bind ${a}; proxy_pass http://127.0.0.1:9092; }
# over several addresses, in http:
split_clients "$connection" $source { 50% ${a}; * ${next}; }
# and in server:
location / { proxy_bind $source; proxy_pass http://127.0.0.1:9092; }`,
  },
  {
    client: 'HAProxy',
    text: (a) => `backend kafka
  server one 127.0.0.1:9092 source ${a}`,
  },
  {
    client: 'wrk',
    text: () => `No setting for it: lbcap run, or nginx or HAProxy between.`,
  },
  {
    client: 'k6',
    text: (a, next) => `k6 run --local-ips=${a} script.js
k6 run --local-ips=${a}-${next} script.js
# of a block it leaves out the first and the last address`,
  },
  {
    client: 'JMeter',
    text: (a) => `HTTP Request, Advanced: Source address, IP/Hostname: ${a}
(HTTPSampler.ipSource in the plan)`,
  },
];

/** Names of the clients there is a recipe for. */
export const recipeClients: readonly string[] = recipes.map(({ client }) => client);

/** The recipe of one client. */
export function recipeOf(client: string, address: string, next: string): string | undefined {
  return recipes.find((recipe) => recipe.client === client)?.text(address, next);
}

/** All of them, for people. */
export function recipeText(label: Label): string {
  const { ipv4, ipv6 } = sourcesOf(label, true);
  const runs = ipv4.length > 0 ? ipv4 : ipv6;
  const address = formatAddress(addressAt(runs, 0));
  const next =
    countOf(runs) > 1 ? formatAddress(addressAt(runs, 1)) : following(addressAt(runs, 0));
  const parts = recipes.map(
    ({ client, text }) => `${client}\n${text(address, next).replace(/^/gm, '    ')}\n`,
  );
  const head = `How to have ${label.name}'s connections come from ${address}, client by client. The server here is\n127.0.0.1:9092; use its number rather than "localhost", which is ::1 first for most.\n`;
  return `${head}\n${parts.join('\n')}`;
}

/** The address behind one, as text. */
function following(address: AddressBytes): string {
  const family = address.length === 4 ? 4 : 6;
  return formatAddress(bytesOf(family, BigInt.asUintN(8 * address.length, valueOf(address) + 1n)));
}
