/** stub */
import type { Kernel } from '../native/kernel.js';
import type { BindingRequest, Method } from './method.js';
export function openSeccomp(_kernel: Kernel, _request: BindingRequest): Promise<Method> {
  return Promise.reject(new Error('not yet'));
}
