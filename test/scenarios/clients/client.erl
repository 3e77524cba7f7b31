%% A client for the tests: tcp or udp, host, port. Prints what the peer says.
-module(client).
-export([main/1]).

main(["tcp", Host, Port]) ->
    {ok, Socket} = gen_tcp:connect(Host, list_to_integer(Port), [binary, {active, false}]),
    ok = gen_tcp:send(Socket, <<"who\n">>),
    {ok, Text} = gen_tcp:recv(Socket, 0),
    io:put_chars(Text);
main(["sendto", Host, Port]) ->
    {ok, Socket} = gen_udp:open(0, [binary, {active, false}]),
    ok = gen_udp:send(Socket, Host, list_to_integer(Port), <<"who\n">>),
    {ok, {_, _, Text}} = gen_udp:recv(Socket, 0, 5000),
    io:put_chars(Text).
