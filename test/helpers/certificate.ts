import { execFileSync } from 'node:child_process';
import { needProgram } from './programs.ts';

let keyPair: { key: string; cert: string } | undefined;

/** A key and a certificate for this process. */
export function certificate(): { key: string; cert: string } {
  keyPair ??= makeCertificate();
  return keyPair;
}

/** A self-signed one for a name, good for two days. */
export function makeCertificate(name = 'localhost'): { key: string; cert: string } {
  const openssl = needProgram(['openssl'], 'openssl');
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const args = ['req', '-x509', ...curve, '-subj', `/CN=${name}`, '-days', '2', '-keyout', '-', '-out', '-'];
  const pem = execFileSync(openssl, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const at = pem.indexOf('-----BEGIN CERTIFICATE-----');
  return { key: pem.slice(0, at), cert: pem.slice(at) };
}
