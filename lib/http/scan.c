#include "lib/http/scan.h"

enum {
    D = BYTE_DIGIT | BYTE_HEXDIGIT | BYTE_UNRESERVED | BYTE_REGNAME | BYTE_TOKEN,
    L = BYTE_LETTER | BYTE_UNRESERVED | BYTE_REGNAME | BYTE_TOKEN,
    H = BYTE_HEXDIGIT | L,
    U = BYTE_UNRESERVED | BYTE_REGNAME | BYTE_TOKEN, /* - . _ ~ */
    B = BYTE_REGNAME | BYTE_TOKEN,                   /* both: ! $ & ' * + */
    S = BYTE_REGNAME,                                /* the other sub-delims: ( ) , ; = */
    T = BYTE_TOKEN,                                  /* # % ^ ` | */
    W = BYTE_WHITESPACE,
};

/* clang-format off */
const uint8_t byte_classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, W, 0, 0, 0, 0, 0, 0, /* control, HTAB */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    W, B, 0, T, B, T, B, B, S, S, B, B, S, U, U, 0, /* SP ! " # $ % & ' ( ) * + , - . / */
    D, D, D, D, D, D, D, D, D, D, 0, S, 0, S, 0, 0, /* 0-9 : ; < = > ? */
    0, H, H, H, H, H, H, L, L, L, L, L, L, L, L, L, /* @ A-O */
    L, L, L, L, L, L, L, L, L, L, L, 0, 0, 0, T, U, /* P-Z [ \ ] ^ _ */
    T, H, H, H, H, H, H, L, L, L, L, L, L, L, L, L, /* ` a-o */
    L, L, L, L, L, L, L, L, L, L, L, 0, T, 0, U, 0, /* p-z { | } ~ DEL */
    /* obs-text, from 0x80 on, is of no class */
};
/* clang-format on */
