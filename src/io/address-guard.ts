import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent } from 'undici';

/** Whether an address, in its canonical text form, may be connected to. */
export type AllowAddress = (address: string) => boolean;

/** A host whose addresses are all refused. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';

  constructor(host: string, addresses: readonly string[]) {
    const each = addresses.map((address) => (address === host ? '' : `${address}, `) + describe(address));
    super(`${host} is not a public host (${each.join('; ')})`);
  }
}

/** Azure's host agent answers on a public address; the metadata addresses of other clouds are link-local or private. */
const AZURE_WIRE_SERVER = '168.63.129.16';
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Networks without IPv4 reach it through this prefix: what counts is the IPv4 address inside. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/** Whether an address is one of the public internet: not private, loopback, link-local, shared, reserved or multicast. */
export const isPublicAddress: AllowAddress = (address) => {
  if (!ipaddr.isValid(address)) return false;
  // process() turns ::ffff:127.0.0.1 into 127.0.0.1
  const ip = ipaddr.process(address);
  if (ip instanceof ipaddr.IPv4) return ip.range() === 'unicast' && ip.toString() !== AZURE_WIRE_SERVER;
  if (ip.match(NAT64)) return isPublicAddress(ipaddr.fromByteArray(ip.toByteArray().slice(12)).toString());
  return ip.range() === 'unicast' && ip.match(GLOBAL_UNICAST);
};

const describe = (address: string): string =>
  ipaddr.isValid(address) ? ipaddr.process(address).range() : 'not an address';

/**
 * Throws AddressRefusedError for a URL whose host is an address that is refused.
 *
 * A name is checked when it is resolved; an address never is, so it must be checked before. URL parsing has made
 * `2130706433`, `0x7f.1` and `0177.0.0.1` into `127.0.0.1` by then.
 */
export function assertHostAllowed(url: URL, allow: AllowAddress): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !allow(host)) throw new AddressRefusedError(host, [host]);
}

/**
 * Resolves a name to those of its addresses that are allowed.
 *
 * The connection is made to what this returns: checking a name first and resolving it again to connect would let
 * the answer change in between (DNS rebinding).
 */
function guardedLookup(allow: AllowAddress): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error: Error | null, found: LookupAddress[]) => {
      if (error) return callback(error, []);
      const allowed = found.filter(({ address }) => allow(address));
      const [first] = allowed;
      if (first === undefined) {
        const refused = new AddressRefusedError(
          hostname,
          found.map(({ address }) => address),
        );
        return callback(refused, []);
      }
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

const agents = new WeakMap<AllowAddress, Map<number, Agent>>();

/** The connection pool for a rule and a connect time-out; pools are not shared between rules. */
export function agentFor(allow: AllowAddress, connectTimeoutMs: number): Agent {
  const pools = agents.get(allow) ?? new Map<number, Agent>();
  agents.set(allow, pools);
  const known = pools.get(connectTimeoutMs);
  if (known !== undefined) return known;
  const agent = new Agent({ connect: { timeout: connectTimeoutMs, lookup: guardedLookup(allow) } });
  pools.set(connectTimeoutMs, agent);
  return agent;
}
