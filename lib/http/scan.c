#include "lib/http/scan.h"

enum {
    R = BYTE_TARGET, /* of a target alone: / : ? @ [ \ ] { } */
    D = BYTE_DIGIT | BYTE_HEXDIGIT | BYTE_UNRESERVED | BYTE_REGNAME | BYTE_TOKEN | R,
    L = BYTE_LETTER | BYTE_UNRESERVED | BYTE_REGNAME | BYTE_TOKEN | R,
    H = BYTE_HEXDIGIT | L,
    U = BYTE_UNRESERVED | BYTE_REGNAME | BYTE_TOKEN | R, /* - . _ ~ */
    B = BYTE_REGNAME | BYTE_TOKEN | R,                   /* both: ! $ & ' * + */
    S = BYTE_REGNAME | R,                                /* the other sub-delims: ( ) , ; = */
    T = BYTE_TOKEN | R,                                  /* % ^ ` | */
    N = BYTE_TOKEN,                                      /* # */
    W = BYTE_WHITESPACE,
};

/* clang-format off */
const uint8_t byte_classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, W, 0, 0, 0, 0, 0, 0, /* control, HTAB */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    W, B, 0, N, B, T, B, B, S, S, B, B, S, U, U, R, /* SP ! " # $ % & ' ( ) * + , - . / */
    D, D, D, D, D, D, D, D, D, D, R, S, 0, S, 0, R, /* 0-9 : ; < = > ? */
    R, H, H, H, H, H, H, L, L, L, L, L, L, L, L, L, /* @ A-O */
    L, L, L, L, L, L, L, L, L, L, L, R, R, R, T, U, /* P-Z [ \ ] ^ _ */
    T, H, H, H, H, H, H, L, L, L, L, L, L, L, L, L, /* ` a-o */
    L, L, L, L, L, L, L, L, L, L, L, R, T, R, U, 0, /* p-z { | } ~ DEL */
    /* obs-text, from 0x80 on, is of no class */
};
/* clang-format on */
