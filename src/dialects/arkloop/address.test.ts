import { expect, it } from 'vitest'
import { addressProblem } from './address.ts'

it.each([
  'https://api.example.com/v1',
  'http://localhost:11434/v1',
  'http://127.0.0.1:9',
  'http://10.1.2.3',
  'http://172.16.0.1',
  'http://192.168.1.1',
  'http://[::1]:8080',
  'http://[fd12::1]',
])('%s is allowed', (url) => expect(addressProblem(url)).toBeNull())

it.each([
  'http://example.com',
  'http://172.32.0.1',
  'http://169.254.169.254',
  'https://169.254.169.254/latest',
  'http://[fe80::1]',
  'http://[::ffff:169.254.169.254]',
  'https://metadata.google.internal',
  'https://key@example.com',
  'http://127.0.0.1:2375/containers/x/start?',
  'http://10.0.0.1/admin?a=b',
  'http://10.0.0.1/admin#',
  'ftp://example.com',
  'example.com',
  '',
])('%s is not', (url) => expect(addressProblem(url)).not.toBeNull())
