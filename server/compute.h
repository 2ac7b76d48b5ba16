/* CPU-bound work, as --compute asks for it: fib(n) by naive recursion. */
#pragma once

/* Computes fib(*(const unsigned *)n) and throws it away; a compiler cannot. */
void compute(void *n);
