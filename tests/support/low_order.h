/* Points with which X25519 gives no secret. */
#ifndef TAPD_TESTS_LOW_ORDER_H
#define TAPD_TESTS_LOW_ORDER_H

/* The points of order 1, 2, 4 and 8, also unreduced: RFC 7748's u coordinates
 * 0, 1, p - 1, p, p + 1 and the two of order 8 (Bernstein, cr.yp.to/ecdh.html).
 */
static const char *const low_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
};

#endif
